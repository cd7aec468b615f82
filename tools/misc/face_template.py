"""Find out how the faces of a data set were cut: where eyes, nose and mouth lie.

Prints a face_template for the config of a model trained on these faces, so that faces
found in pictures are cut out the same way (tools/infer.py, mmqcs.apis.FERInferencer).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from mmqcs.apis.frames import IMAGE_SUFFIXES
from mmqcs.apis.read_image import read_image
from mmqcs.cli.inferencer import add_face_options, build_detector
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.faces import FaceDetector

LEAST = 20  # faces, below which a median says little
SIDE = 224  # to which faces are enlarged, so that a detector finds them
BORDER = 64


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, help='pictures of one face each')
    parser.add_argument(
        '--count', type=int, default=500, help='pictures that are looked at'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the choice of these')
    add_face_options(parser, whole_images=False)
    return parser.parse_args()


def locate(image: np.ndarray, detector: FaceDetector) -> np.ndarray | None:
    """The five points of the only face of a picture.

    Args:
        image: BGR, uint8 (H, W, 3).
        detector: How it is found.

    Returns:
        (5, 2), as fractions of the sides, or None if the points are not seen.
    """
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    around = cv2.copyMakeBorder(large, *[BORDER] * 4, cv2.BORDER_REPLICATE)
    for face in detector.detect(around):
        if face.points_from in ('detector', 'eyes'):
            return (face.points - BORDER + 0.5) / large.shape[1::-1]
    return None


def main() -> None:
    """Run the program."""
    args = parse_args()
    if not args.folder.is_dir():
        fail(f'no folder {args.folder}')
    paths = sorted(
        x for x in args.folder.rglob('*') if x.suffix.lower() in IMAGE_SUFFIXES
    )
    if not paths:
        fail(f'no pictures in {args.folder}')
    chosen = np.random.default_rng(args.seed).permutation(len(paths))[: args.count]
    try:
        detector = build_detector(args)
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    found = []
    console = Console(stderr=True)
    quiet = not console.is_terminal
    for i in track(chosen, 'faces', console=console, disable=quiet):
        try:
            points = locate(read_image(paths[i]), detector)
        except (ValueError, OSError) as error:
            fail(str(error))
        if points is not None:
            found.append(points)
    if len(found) < LEAST:
        fail(
            f'points were seen in {len(found)} of {len(chosen)} pictures, at least '
            f'{LEAST} are needed; try another detector by --faces'
        )
    spread = np.median(np.abs(found - np.median(found, axis=0)), axis=0)
    print(f'# medians over {len(found)} of {len(chosen)} pictures, which lie within')
    print(f'# {spread[:2].mean():.3f} of the side (median, eyes)')
    print('face_template = [')
    for x, y in np.median(found, axis=0):
        print(f'    ({x:.3f}, {y:.3f}),')
    print(']')


if __name__ == '__main__':
    main()
