"""Measure what is lost between faces in photographs and given crops of them.

Pastes faces of a dataset, in several sizes, into photographs without faces; then finds,
aligns and classifies them. For each size, prints how many faces are found, how many
other things are taken for faces, and the accuracy on the faces that are found, beside
the accuracy of the same classifier on the given crops of these faces.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmqcs.apis import FERInferencer
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.cli.options import ArgumentParser, at_least, fail, failing_on
from mmqcs.cli.progress import track
from mmqcs.cli.tables import markdown_table
from mmqcs.expressions import class_spellings
from mmqcs.faces import Face, FaceDetector
from mmqcs.media.inputs import IMAGE_SUFFIXES
from mmqcs.media.read_image import read_image

COLUMNS = ('pixels', 'faces', 'found', 'false', 'given crops', 'found faces', 'ms')
SPACE = 2  # sides of a face, for each face, in a row of a photograph


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        'faces_folder',
        metavar='FACES',
        type=Path,
        help='folder with a folder of crops for each class, named as the classes of '
        'the model',
    )
    parser.add_argument(
        'photos',
        metavar='PHOTOS',
        type=Path,
        help='folder of photographs without faces',
    )
    add_inferencer_options(parser, model='checkpoint, exported file, or config')
    parser.add_argument(
        '--sizes',
        type=at_least(12),
        nargs='+',
        default=[24, 48, 96],
        help='sides of the pasted crops in pixels (default 24 48 96)',
    )
    parser.add_argument('--count', type=at_least(1), default=500, help='default 500')
    parser.add_argument('--seed', type=int, default=0, help='default 0')
    return parser.parse_args()


def read_folder(folder: Path) -> list[Path]:
    """Return the images of a folder and its subfolders."""
    if not folder.is_dir():
        fail(f'folder not found: {folder}')
    paths = sorted(x for x in folder.rglob('*') if x.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        fail(f'no images in {folder}')
    return paths


def paste(
    photo: np.ndarray, crops: Sequence[np.ndarray], size: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Paste as many crops as fit apart into a photograph; also return their corners."""
    scene = photo.copy()
    rows, columns = (side // (SPACE * size) for side in photo.shape[:2])
    corners = []
    for number, crop in enumerate(crops[: rows * columns]):
        row, column = divmod(number, columns)
        top, left = ((2 * x + 1) * SPACE * size // 2 - size // 2 for x in (row, column))
        way = cv2.INTER_AREA if size < min(crop.shape[:2]) else cv2.INTER_CUBIC
        resized = cv2.resize(crop, (size, size), interpolation=way)
        scene[top : top + size, left : left + size] = resized
        corners.append((left, top))
    return scene, corners


def matching(faces: Sequence[Face], corner: tuple[int, int], size: int) -> Face | None:
    """Return the face whose centre is nearest to that of a pasted crop, if it is in."""
    centre = np.array(corner) + size / 2
    away = [np.abs(x.box.reshape(2, 2).mean(0) - centre).max() for x in faces]
    nearest = int(np.argmin(away)) if away else -1
    return faces[nearest] if away and away[nearest] < size / 3 else None


def search(
    detector: FaceDetector, photos: Sequence[np.ndarray], crops: Sequence, size: int
) -> tuple[dict[int, tuple[np.ndarray, Face]], int, int, float]:
    """Paste and find crops.

    Returns:
        Image and face by the index of each crop that is found, number of pasted crops,
        number of other detections, and seconds per image.
    """
    found: dict[int, tuple[np.ndarray, Face]] = {}
    done = others = scenes = 0
    seconds = 0.0
    while done < len(crops):
        photo = photos[scenes % len(photos)]
        scene, corners = paste(photo, crops[done : done + 4], size)
        scenes += 1
        if not corners:
            fail(f'a photograph is too small for faces of {size} pixels')
        start = time.perf_counter()
        faces = detector.detect(scene)
        seconds += time.perf_counter() - start
        hits = [matching(faces, corner, size) for corner in corners]
        found |= {done + i: (scene, x) for i, x in enumerate(hits) if x is not None}
        others += len(faces) - sum(x is not None for x in hits)
        done += len(corners)
    return found, done, others, seconds / scenes


def measure(
    infer: FERInferencer,
    photos: Sequence[np.ndarray],
    crops: Sequence[np.ndarray],
    labels: np.ndarray,
    size: int,
) -> list[str]:
    """Return a row of the table."""
    found, count, others, seconds = search(infer.detector, photos, crops, size)
    row = [str(size), str(count), f'{len(found) / count:.1%}', str(others)]
    if not found:
        return [*row, '', '', f'{1000 * seconds:.0f}']
    chosen = sorted(found)
    right = [
        infer.classifier(cuts).argmax(1) == labels[chosen]
        for cuts in (
            [crops[i] for i in chosen],
            [infer.cut(*found[i]) for i in chosen],
        )
    ]
    return [*row, *(f'{x.mean():.1%}' for x in right), f'{1000 * seconds:.0f}']


def main() -> None:
    """Run the program."""
    args = parse_args()
    paths, photos = map(read_folder, (args.faces_folder, args.photos))
    chosen = np.random.default_rng(args.seed).permutation(len(paths))[: args.count]
    with failing_on(ValueError, OSError, ImportError):
        infer = build_inferencer(args)
        names = class_spellings(infer.classes)
        unknown = {x.parent.name for x in paths} - names.keys()
        if unknown:
            fail(
                f'folders {", ".join(sorted(unknown))} are not named as the classes '
                f'of the model: {", ".join(infer.classes)}'
            )
        labels = np.array([names[paths[i].parent.name] for i in chosen])
        crops = [read_image(paths[i]) for i in chosen]
        images = [read_image(path) for path in photos]
    rows = [
        measure(infer, images, crops, labels, size)
        for size in track(args.sizes, 'sizes')
    ]
    print(markdown_table(COLUMNS, rows))


if __name__ == '__main__':
    main()
