"""Measure how the faces of a dataset are aligned: positions of eyes, nose and mouth.

Prints a face_template for the config of a model trained on these faces, so that
inference aligns detected faces in the same way.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from mmqcs.cli.inferencer import add_face_options, build_detector
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.progress import track
from mmqcs.faces import FaceDetector
from mmqcs.media.inputs import IMAGE_SUFFIXES
from mmqcs.media.read_image import read_image

LEAST = 20  # minimum number of faces for a median
SIDE = 224  # faces are enlarged to this size, so that a detector finds them
BORDER = 64


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='folder of images with one face each')
    parser.add_argument(
        '--count', type=int, default=500, help='number of images (default 500)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the choice of images (default 0)'
    )
    add_face_options(parser, whole_images=False)
    return parser.parse_args()


def locate(image: np.ndarray, detector: FaceDetector) -> np.ndarray | None:
    """Find the five points of a face, (5, 2), as fractions of the sides of the image.

    Returns None if they are not found.
    """
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(large, *(BORDER,) * 4, cv2.BORDER_REPLICATE)
    for face in detector.detect(around):
        if face.points is not None:
            return (face.points - BORDER + 0.5) / large.shape[1::-1]
    return None


def main() -> None:
    """Run the program."""
    args = parse_args()
    if not args.folder.is_dir():
        fail(f'folder not found: {args.folder}')
    files = args.folder.rglob('*')
    paths = sorted(x for x in files if x.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        fail(f'no images in {args.folder}')
    chosen = np.random.default_rng(args.seed).permutation(len(paths))[: args.count]
    try:
        detector = build_detector(args)
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    found = []
    for i in track(chosen, 'images'):
        try:
            points = locate(read_image(paths[i]), detector)
        except (ValueError, OSError) as error:
            fail(str(error))
        if points is not None:
            found.append(points)
    if len(found) < LEAST:
        fail(
            f'points were found in {len(found)} of {len(chosen)} images, at least '
            f'{LEAST} are needed; try another detector with --faces'
        )
    spread = np.median(np.abs(found - np.median(found, axis=0)), axis=0)
    print(f'# medians over {len(found)} of {len(chosen)} images; the median deviation')
    print(f'# of the eyes is {spread[:2].mean():.3f} of the side')
    print('face_template = [')
    for x, y in np.median(found, axis=0):
        print(f'    ({x:.3f}, {y:.3f}),')
    print(']')


if __name__ == '__main__':
    main()
