"""Crop and align the faces of a folder of images in the same way as inference does.

The largest face of each image is written under the same name into a mirror of the
folder, so that label files still apply. OUT/alignment.csv lists the detected faces.
"""

import argparse
import csv
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2

from mmqcs.checkpoints import load_config
from mmqcs.cli.inferencer import add_face_options, build_detector
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.progress import track
from mmqcs.faces import ARCFACE, FaceDetector, cut_face
from mmqcs.faces.alignment import check_template
from mmqcs.media.inputs import IMAGE_SUFFIXES
from mmqcs.media.read_image import read_image

_state: dict[str, Any] = {}
COLUMNS = ('file', 'faces', 'left', 'top', 'right', 'bottom', 'note')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', metavar='IN', type=Path, help='folder of images')
    parser.add_argument('dst', metavar='OUT', type=Path, help='folder to write')
    parser.add_argument(
        '--size', type=int, default=112, help='side of a face in pixels (default 112)'
    )
    parser.add_argument(
        '--template',
        metavar='CONFIG',
        help='config, or name of one, with a face_template; default: ArcFace',
    )
    parser.add_argument(
        '--suffix',
        default='',
        help='suffix of each name, for example _aligned for the layout of RAF-DB',
    )
    parser.add_argument(
        '--format', choices=['png', 'jpg'], default='png', help='default: png'
    )
    parser.add_argument(
        '--missing',
        choices=['skip', 'whole'],
        default='skip',
        help='skip images without a face (default), or write the whole image, resized',
    )
    parser.add_argument('--workers', type=int, default=os.cpu_count(), metavar='N')
    add_face_options(parser, whole_images=False)
    return parser.parse_args()


def list_images(folder: Path) -> list[Path]:
    """Return all images in a folder and its subfolders, sorted."""
    if not folder.is_dir():
        fail(f'folder not found: {folder}')
    found = sorted(x for x in folder.rglob('*') if x.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        fail(f'no images in {folder}')
    return found


def start(args: argparse.Namespace, template: object) -> None:
    """Prepare a worker."""
    cv2.setNumThreads(1)
    _state.update(args=args, template=template, detector=build_detector(args, 'cpu'))


def align(path: Path) -> dict[str, object]:
    """Crop and write one face; return a row of the list."""
    args: argparse.Namespace = _state['args']
    detector: FaceDetector = _state['detector']
    name = path.relative_to(args.src)
    row: dict[str, object] = {'file': str(name), 'faces': 0}
    try:
        image = read_image(path)
    except (ValueError, OSError) as error:
        return {**row, 'note': str(error)}
    faces = detector.detect(image)
    row['faces'] = len(faces)
    if faces:
        face = faces[0]
        sides = zip(COLUMNS[2:6], face.box.round(1).tolist(), strict=True)
        row |= dict(sides)
        if face.points is None:
            row['note'] = 'no points, cropped by the box'
        cut = cut_face(image, face, args.size, _state['template'])
    elif args.missing == 'whole':
        cut, row['note'] = image, 'no face, whole image'
    else:
        return {**row, 'note': 'no face, skipped'}
    if cut.shape[:2] != (args.size, args.size):
        cut = cv2.resize(cut, (args.size, args.size), interpolation=cv2.INTER_AREA)
    target = args.dst / name.with_name(f'{name.stem}{args.suffix}.{args.format}')
    target.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if args.format == 'jpg' else []
    target.write_bytes(cv2.imencode(target.suffix, cut, quality)[1].tobytes())
    return row


def main() -> int:
    """Run the program."""
    args = parse_args()
    if args.size < 8 or args.workers < 1:
        fail('--size must be at least 8 and --workers at least 1')
    images = list_images(args.src)
    names = Counter(x.relative_to(args.src).with_suffix('') for x in images)
    if twice := [str(name) for name, count in names.items() if count > 1]:
        fail(f'several images would be written as {twice[0]}.{args.format}')
    if args.dst.exists() and (not args.dst.is_dir() or any(args.dst.iterdir())):
        fail(f'{args.dst} exists and is not an empty folder')
    try:
        template = ARCFACE
        if args.template:
            template = load_config(args.template).get('face_template', ARCFACE)
        template = check_template(template)
        build_detector(args, 'cpu')  # to fail here, not in the workers
        args.dst.mkdir(parents=True, exist_ok=True)
        with (
            ProcessPoolExecutor(
                args.workers, initializer=start, initargs=(args, template)
            ) as pool,
            (args.dst / 'alignment.csv').open('x', newline='') as file,
        ):
            rows = csv.DictWriter(file, COLUMNS)
            rows.writeheader()
            seen: Counter[str] = Counter()
            results = pool.map(align, images, chunksize=8)
            for row in track(results, 'images', len(images)):
                rows.writerow(row)
                seen[str(row.get('note') or 'aligned')] += 1
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    for what, count in seen.most_common(12):
        print(f'{count:>8,} {what}')
    written = sum(1 for _ in args.dst.rglob(f'*.{args.format}'))
    print(f'{written:,} of {len(images):,} written to {args.dst}')
    return 0 if written == len(images) else 1


if __name__ == '__main__':
    raise SystemExit(main())
