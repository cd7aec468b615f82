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
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.datasets.readers.folders import subfolders

CLASSES = expressions.RAF_DB
SPELLINGS = expressions.class_spellings(CLASSES)
RAFDB_NUMBERS = dict(enumerate(CLASSES, 1))
ORDERS = {
    'rafdb': RAFDB_NUMBERS,
    'rafdb-from-0': dict(enumerate(CLASSES)),
    'affectnet': dict(enumerate(expressions.AFFECT_NET)),
    'ferplus': dict(enumerate(expressions.FER_PLUS)),
    'fer2013': dict(enumerate(expressions.FER2013)),
    'ck-plus': dict(enumerate(expressions.CK_PLUS)),
}
CLUTTER = ('Thumbs.db', 'desktop.ini')
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
        metavar='FOLDER',
        help='class folders to leave out, for example contempt',
    )
    parser.add_argument(
        '--test-split',
        metavar='FOLDER',
        help='folder of the test split, if there are several',
    )
    return parser.parse_args()


def map_of_folders(pairs: Sequence[str]) -> dict[str, int]:
    """Parse pairs FOLDER=CLASS; return labels 1 to 7 by folder in lower case."""
    labels = {}
    for pair in pairs:
        folder, _, name = pair.rpartition('=')
        if not folder or name.lower() not in SPELLINGS:
            known = ', '.join(CLASSES)
            fail(f'--map {pair}: expected FOLDER=CLASS with a CLASS of {known}')
        labels[folder.lower()] = SPELLINGS[name.lower()] + 1
    return labels


def numbered_folders(
    splits: Sequence[Path], mapped: Mapping[str, int], skip: set[str], order: str | None
) -> dict[str, int]:
    """Return the labels from 1 to 7 of numbered folders, and print their order.

    ``mapped`` and ``skip`` are folders from the command line, in lower case.
    """
    folders = {p.name.lower() for split in splits for p in subfolders(split)}
    numbers = sorted((name for name in folders if name.isdecimal()), key=int)
    unknown = [name for name in numbers if name not in mapped]
    used = [name for name in unknown if name not in skip]
    if order is None and used:
        # a skipped or mapped folder still tells how the others are numbered
        others = folders != set(numbers) or unknown != numbers
        if others or set(map(int, numbers)) != set(RAFDB_NUMBERS):
            fail(
                f'the class folders are {", ".join(sorted(folders))}. Only folders 1 '
                f'to 7, and no others, are known to have the numbers of RAF-DB. Name '
                f'the dataset whose numbers they are with --order '
                f'({", ".join(ORDERS)}), or give the class of each with --map '
                f'{" ".join(f"{name}=CLASS" for name in used)}'
            )
        order = 'rafdb'
    if not used:
        return {}
    labels = {}
    for folder in used:
        name = ORDERS[order].get(int(folder))
        if name is None or name.lower() not in SPELLINGS:
            meaning = f'is {name}, which RAF-DB lacks' if name else 'is not a class'
            fail(
                f'class folder {folder} {meaning} in the order {order}. Skip it with '
                f'--skip {folder}, or give its class with --map {folder}=CLASS'
            )
        labels[folder] = SPELLINGS[name.lower()] + 1
    named = ', '.join(f'{folder} {RAFDB_NUMBERS[n]}' for folder, n in labels.items())
    print(f'numbered folders are read in the order {order}: {named}')
    return labels


def find_split(src: Path, names: tuple[str, ...]) -> Path:
    """Return the only folder of a split."""
    if not src.is_dir():
        fail(f'folder not found: {src}')
    found = [d for d in sorted(src.iterdir()) if d.is_dir() and d.name.lower() in names]
    if not found:
        fail(f'{src} has no split folder named {" or ".join(names)}')
    if len(found) > 1:
        fail(
            f'{src} has several folders for one split: '
            f'{", ".join(d.name for d in found)}; choose one with --test-split'
        )
    return found[0]


def list_images(
    split: Path, names: dict[str, int], skip: set[str]
) -> list[tuple[int, Path]]:
    """List (label, file) of a split, sorted, given the labels of known folders."""
    images = []
    for folder in subfolders(split):
        name = folder.name.lower()
        if name in skip:
            continue
        if name not in names:
            fail(
                f'unknown class folder {folder}; known names are '
                f'{", ".join(names)} (in any case). Give its class with --map '
                f'{folder.name}=CLASS, or skip it with --skip {folder.name}'
            )
        for file in folder.rglob('*'):
            # desktops create the others
            clutter = file.name.startswith('.') or file.name in CLUTTER
            if file.is_file() and not clutter:
                images.append((names[name], file))
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
    skip = {name.lower() for name in args.skip}
    test_names = (args.test_split.lower(),) if args.test_split else TEST_NAMES
    folders = {
        'train': find_split(args.src, TRAIN_NAMES),
        'test': find_split(args.src, test_names),
    }
    mapped = map_of_folders(args.map)
    names = {name: i + 1 for name, i in SPELLINGS.items()} | mapped
    names |= numbered_folders([*folders.values()], mapped, skip, args.order)
    splits = {name: list_images(path, names, skip) for name, path in folders.items()}
    # OUT appears when it is complete, so an interrupted run leaves none
    partial = args.out.with_name(f'{args.out.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    convert(splits, args.src, partial)
    partial.rename(args.out)

    counts = {split: Counter(label for label, _ in splits[split]) for split in splits}
    print(f'{"class":<12} {"train":>6} {"test":>6}')
    for label, name in enumerate(CLASSES, 1):
        print(f'{name:<12} {counts["train"][label]:>6} {counts["test"][label]:>6}')
    print(f'{"all":<12} {len(splits["train"]):>6} {len(splits["test"]):>6}')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
