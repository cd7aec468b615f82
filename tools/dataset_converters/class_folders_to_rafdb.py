"""Convert class folders to the layout of RAF-DB.

SRC contains a training and a test split, each with one folder per class:

    SRC/train/<class>/*.jpg
    SRC/test/<class>/*.jpg        or validation, valid, val

A class folder is named after an emotion, in any case, or has a number. Numbers mean
different classes in different datasets, so their order must be known. Folders 1 to 7,
and no others, have the numbers of RAF-DB (1 Surprise, 2 Fear, 3 Disgust, 4 Happiness,
5 Sadness, 6 Anger, 7 Neutral). Otherwise, --order names the dataset whose numbers they
are, or --map gives the class of each folder. JPEG files are copied unchanged; other
formats are encoded as JPEG with quality 98 and without chroma subsampling.

OUT/sources.csv lists the source of each image.
"""

import argparse
import csv
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.datasets.readers.folders import subfolders

CLASSES = expressions.RAF_DB
SPELLINGS = {k: i + 1 for k, i in expressions.class_spellings(CLASSES).items()}
ORDERS = {
    'rafdb': dict(enumerate(CLASSES, 1)),
    'rafdb-from-0': dict(enumerate(CLASSES)),
    'affectnet': dict(enumerate(expressions.AFFECT_NET)),
    'ferplus': dict(enumerate(expressions.FER_PLUS)),
    'fer2013': dict(enumerate(expressions.FER2013)),
    'ck-plus': dict(enumerate(expressions.CK_PLUS)),
}
CLUTTER = ('Thumbs.db', 'desktop.ini')  # by desktops, like files that start with a dot
TRAIN_NAMES = ('train', 'training')
TEST_NAMES = ('test', 'validation', 'valid', 'val')
JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 98),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', type=Path, help='folder with the splits')
    parser.add_argument('out', type=Path, help='folder to create')
    parser.add_argument(
        '--map',
        '--classes-map',
        nargs='+',
        default=[],
        metavar='FOLDER=CLASS',
        help='classes of folders, for example 0=Neutral; CLASS is one of '
        f'{", ".join(CLASSES)}',
    )
    parser.add_argument(
        '--order', choices=ORDERS, help='dataset whose numbers the folders have'
    )
    parser.add_argument(
        '--skip',
        nargs='+',
        default=[],
        type=str.lower,
        metavar='FOLDER',
        help='class folders to leave out, for example contempt',
    )
    parser.add_argument(
        '--test-split',
        metavar='FOLDER',
        help='folder of the test split, if there are several',
    )
    return parser.parse_args()


def find_split(src: Path, names: tuple[str, ...]) -> Path:
    """Return the only folder of a split."""
    if not src.is_dir():
        fail(f'folder not found: {src}')
    found = [folder for folder in subfolders(src) if folder.name.lower() in names]
    if not found:
        fail(f'{src} has no split folder named {" or ".join(names)}')
    if len(found) > 1:
        fail(
            f'{src} has several folders for one split: '
            f'{", ".join(d.name for d in found)}; choose one with --test-split'
        )
    return found[0]


def folder_labels(folders: set[str], args: argparse.Namespace) -> dict[str, int]:
    """Return labels from 1 to 7 by folder, given the names of all class folders.

    The order of numbered folders is printed. Folders without a class are missing.
    """
    mapped = {}
    for pair in args.map:
        folder, _, name = pair.rpartition('=')
        if not folder or name.lower() not in SPELLINGS:
            known = ', '.join(CLASSES)
            fail(f'--map {pair}: expected FOLDER=CLASS with a CLASS of {known}')
        mapped[folder.lower()] = SPELLINGS[name.lower()]
    unknown = [x for x in folders if x.isdecimal() and x not in {*mapped, *args.skip}]
    unknown.sort(key=int)
    order = args.order
    if unknown and order is None:
        # a skipped or mapped folder still tells how the others are numbered
        if folders != set('1234567') or folders & mapped.keys():
            fail(
                f'the class folders are {", ".join(sorted(folders))}. Only folders 1 '
                f'to 7, and no others, are known to have the numbers of RAF-DB. Name '
                f'the dataset whose numbers they are with --order '
                f'({", ".join(ORDERS)}), or give the class of each with --map '
                f'{" ".join(f"{name}=CLASS" for name in unknown)}'
            )
        order = 'rafdb'
    numbered = {}
    for folder in unknown:
        name = ORDERS[order].get(int(folder), '')
        if name.lower() not in SPELLINGS:
            meaning = f'is {name}, which RAF-DB lacks' if name else 'is not a class'
            fail(
                f'class folder {folder} {meaning} in the order {order}. Skip it with '
                f'--skip {folder}, or give its class with --map {folder}=CLASS'
            )
        numbered[folder] = SPELLINGS[name.lower()]
    if numbered:
        named = ', '.join(f'{x} {CLASSES[n - 1]}' for x, n in numbered.items())
        print(f'numbered folders are read in the order {order}: {named}')
    return {**SPELLINGS, **mapped, **numbered}


def list_images(
    split: Path, labels: dict[str, int], skip: Sequence[str]
) -> list[tuple[int, Path]]:
    """List (label, file) of a split, sorted, given the labels of known folders."""
    images = []
    for folder in subfolders(split):
        name = folder.name.lower()
        if name in skip:
            continue
        if name not in labels:
            fail(
                f'unknown class folder {folder}; known names are '
                f'{", ".join(labels)} (in any case). Give its class with --map '
                f'{folder.name}=CLASS, or skip it with --skip {folder.name}'
            )
        images += [
            (labels[name], file)
            for file in folder.rglob('*')
            if file.is_file() and not file.name.startswith(('.', *CLUTTER))
        ]
    if not images:
        fail(f'no images in {split}: looked for {split}/<class>/*.jpg')
    return sorted(images, key=lambda item: (item[0], item[1].as_posix()))


def as_jpeg(file: Path) -> bytes:
    """Return an image as JPEG, unchanged if it is JPEG already."""
    data = file.read_bytes()
    image = data and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if not isinstance(image, np.ndarray):
        fail(f'unreadable image: {file}')
    if data.startswith(b'\xff\xd8\xff'):
        return data
    return cv2.imencode('.jpg', image, JPEG)[1].tobytes()


def convert(splits: dict[str, list[tuple[int, Path]]], src: Path, out: Path) -> None:
    """Write (label, file) of each image of the splits in the layout of RAF-DB."""
    images = out / 'basic' / 'Image' / 'aligned'
    images.mkdir(parents=True)
    lines, sources = [], []
    for split, items in splits.items():
        digits = 5 if split == 'train' else 4  # as RAF-DB numbers its files
        for number, (label, file) in enumerate(items, 1):
            stem = f'{split}_{number:0{digits}d}'
            (images / f'{stem}_aligned.jpg').write_bytes(as_jpeg(file))
            lines.append(f'{stem}.jpg {label}')
            sources.append((f'{stem}_aligned.jpg', file.relative_to(src).as_posix()))
    labels = out / 'basic' / 'EmoLabel' / 'list_patition_label.txt'  # [sic]
    labels.parent.mkdir()
    labels.write_text('\n'.join(lines))
    with (out / 'sources.csv').open('w', newline='') as table:
        csv.writer(table).writerows([('image', 'source'), *sources])


def main() -> None:
    """Run the program."""
    args = parse_args()
    if args.out.exists():
        fail(f'{args.out} exists already; remove it or name another folder')
    test_names = (args.test_split.lower(),) if args.test_split else TEST_NAMES
    splits = {
        'train': find_split(args.src, TRAIN_NAMES),
        'test': find_split(args.src, test_names),
    }
    folders = {x.name.lower() for split in splits.values() for x in subfolders(split)}
    labels = folder_labels(folders, args)
    images = {name: list_images(x, labels, args.skip) for name, x in splits.items()}
    # OUT appears when it is complete, so an interrupted run leaves none
    partial = args.out.with_name(f'{args.out.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    convert(images, args.src, partial)
    partial.rename(args.out)

    counts = [Counter(label for label, _ in items) for items in images.values()]
    print(f'{"class":<12} {"train":>6} {"test":>6}')
    for label, name in enumerate(CLASSES, 1):
        print(f'{name:<12} {counts[0][label]:>6} {counts[1][label]:>6}')
    print(f'{"all":<12} {counts[0].total():>6} {counts[1].total():>6}')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
