"""Check the data sets of a config before training on them.

Reads every image of every split once and reports: the layout found, images per class
against the published counts, missing and unreadable files, sizes, and images that are
in two splits, as they are, encoded again or mirrored. Writes a contact sheet. Ends with
status 1 if something is wrong, 130 if stopped by Ctrl-C.
"""

import argparse
import hashlib
import os
import signal
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, combinations
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.fileio import get
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmqcs.cli.options import ArgumentParser, add_config_options, fail, load_config
from mmqcs.datasets.base import FERDataset
from mmqcs.datasets.checks.near_duplicates import find_copies, thumbnail
from mmqcs.registry import DATASETS

SHOWN = 20  # examples of a problem
UNREADABLE = 128  # its grey in the contact sheet


class ImageReport(NamedTuple):
    """What reading one image gave.

    Attributes:
        size: (height, width), or None if it cannot be read.
        digest: SHA-256 of the file.
        error: Why it cannot be read, or ''.
        thumbnail: Grey levels, uint8 (32, 32), or None if it cannot be read.
    """

    size: tuple[int, int] | None
    digest: bytes
    error: str
    thumbnail: np.ndarray | None = None


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    add_config_options(parser)
    parser.add_argument(
        '--sheet',
        type=Path,
        metavar='PNG',
        help='contact sheet; default: work_dirs/check_dataset/NAME_OF_THE_CONFIG.png',
    )
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='default: all cores'
    )
    return parser.parse_args()


def start_worker() -> None:
    """Initialise a worker: one thread, and Ctrl-C is left to the main process."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def read_image(path: str) -> ImageReport:
    """Read one image through MMEngine, as a pipeline does."""
    try:
        content = bytes(get(path))
    except FileNotFoundError:
        return ImageReport(None, b'', 'missing')
    except Exception as error:
        return ImageReport(None, b'', f'{type(error).__name__}: {error}')
    digest = hashlib.sha256(content).digest()
    if not content:
        return ImageReport(None, digest, 'the file is empty')
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return ImageReport(None, digest, 'not an image')
    return ImageReport(image.shape[:2], digest, '', thumbnail(image))


def build_datasets(
    config_path: str, options: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Build the data sets of a config, each once.

    Args:
        config_path: Config file.
        options: Settings to override.

    Returns:
        Data sets by the name of the split, and problems: splits that cannot be built.
    """
    config = load_config(config_path, options)
    init_default_scope(config.get('default_scope', 'mmpretrain'))
    datasets: dict[str, Any] = {}
    built, problems = [], []
    for split in ('train', 'val', 'test'):
        settings = (config.get(f'{split}_dataloader') or {}).get('dataset')
        if settings is None or settings in built:
            continue
        built.append(settings)
        try:
            dataset = DATASETS.build(_with_missing_files(settings))
            dataset.full_init()
        except (OSError, ValueError) as error:
            problems.append(f'{split}: {error}')
        else:
            datasets[split] = dataset
    if not built:
        fail(f'{config_path} has no data loaders')
    return datasets, problems


def _with_missing_files(settings: Any) -> Any:
    """Have a data set of ours keep missing images, to be counted when they are read."""
    kind = DATASETS.get(settings['type'])
    if isinstance(kind, type) and issubclass(kind, FERDataset):
        return {**settings, 'check_files': False}
    return settings


def check_counts(name: str, dataset: Any) -> list[str]:
    """Print images a class; problems: other counts than published, empty classes."""
    counts = np.bincount(dataset.get_gt_labels(), minlength=len(dataset.CLASSES))
    published = getattr(dataset, 'published', None)
    print(f'\n{name}: {len(dataset):,} images{_layout(dataset)}')
    for i, label in enumerate(dataset.CLASSES):
        text = '' if published is None else f'   published {published[i]:,}'
        print(f'  {label:<12}{counts[i]:>9,}{text}')
    problems = []
    if published is not None and list(counts) != list(published):
        problems.append(f'{name}: other counts than published')
    empty = [label for label, n in zip(dataset.CLASSES, counts, strict=True) if not n]
    if empty:
        problems.append(f'{name}: no images of {", ".join(empty)}')
    return problems


def _layout(dataset: Any) -> str:
    found = getattr(dataset, 'found', None)
    return '' if found is None else f', layout {found.layout.name!r} at {found.source}'


def check_images(datasets: dict[str, Any], workers: int) -> list[str]:
    """Read all images; problems: unreadable ones, and those that are in two splits."""
    paths = {
        name: [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
        for name, dataset in datasets.items()
    }
    everything = list(chain.from_iterable(paths.values()))
    print(f'\nreading {len(everything):,} images')
    cv2.setNumThreads(1)  # a forked process cannot stop the threads of its parent
    with ProcessPoolExecutor(workers, initializer=start_worker) as pool:
        try:
            done = pool.map(read_image, everything, chunksize=64)
            results = list(track_iter_progress((done, len(everything))))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    print()
    reports, problems, start = {}, [], 0
    for name, found in paths.items():
        reports[name] = results[start : start + len(found)]
        start += len(found)
        bad = [(p, r) for p, r in zip(found, reports[name], strict=True) if r.error]
        if bad:
            missing = sum(report.error == 'missing' for _, report in bad)
            problems.append(
                f'{name}: {len(bad):,} images cannot be read, {missing:,} of them are '
                f'missing'
            )
            problems += [f'  {path}: {report.error}' for path, report in bad[:SHOWN]]
        sizes = Counter(report.size for report in reports[name] if report.size)
        common = ', '.join(f'{w} x {h} ({n:,})' for (h, w), n in sizes.most_common(3))
        print(f'{name}: {len(sizes):,} sizes, most often {common}')
    for first, second in combinations(paths, 2):
        readable = {
            name: [
                (path, report)
                for path, report in zip(paths[name], reports[name], strict=True)
                if report.size
            ]
            for name in (first, second)
        }
        problems += copies(first, second, readable)
    return problems


def copies(
    first: str, second: str, images: dict[str, list[tuple[str, ImageReport]]]
) -> list[str]:
    """Find images of a split that another one has as well.

    Args:
        first: Name of the split that is searched.
        second: Name of the split whose images are looked for.
        images: Path and report of each readable image, by the name of the split.

    Returns:
        Problems: identical files, then copies that were encoded again or mirrored.
        Files that serve as both validation and test images are none.
    """
    seen = {report.digest: path for path, report in images[first]}
    rest, same = [], []
    for path, report in images[second]:
        if report.digest not in seen:
            rest.append((path, report))
        elif first == 'train' or seen[report.digest] != path:
            same.append(f'  {path} is {seen[report.digest]}')
    found = find_copies(
        np.array([report.thumbnail for _, report in rest]),
        np.array([report.thumbnail for _, report in images[first]]),
    )
    similar = [
        f'  {rest[i][0]} shows {images[first][j][0]}{" mirrored" if mirrored else ""}'
        for i, j, mirrored in found
    ]
    problems = []
    for lines, what in (
        (same, f'are in {first} as well'),
        (similar, f'are copies of images in {first}, encoded again or mirrored'),
    ):
        if lines:
            problems += [f'{second}: {len(lines):,} images {what}', *lines[:SHOWN]]
            if len(lines) > SHOWN:
                problems.append(f'  and {len(lines) - SHOWN:,} more')
    return problems


def load_image(path: str) -> np.ndarray | None:
    """An image as BGR uint8 (H, W, 3), or None if it cannot be read."""
    try:
        content = np.frombuffer(get(path), np.uint8)
        return cv2.imdecode(content, cv2.IMREAD_COLOR)
    except (OSError, ValueError, cv2.error):
        return None


def contact_sheet(
    split: str, dataset: Any, columns: int = 10, side: int = 96
) -> np.ndarray:
    """The first images of each class, a class a row, split and name at the left.

    What cannot be read is a grey square.
    """
    labels = dataset.get_gt_labels()
    rows = []
    for label, name in enumerate(dataset.CLASSES):
        row = np.full((side, side * (columns + 1), 3), 255, np.uint8)
        for line, text in enumerate((split, name)):
            corner = (4, side // 2 + 16 * line)
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(row, text, corner, font, 0.45, 0, 1, cv2.LINE_AA)
        for column, i in enumerate(np.flatnonzero(labels == label)[:columns], 1):
            path = dataset.get_data_info(int(i))['img_path']
            place = slice(column * side, (column + 1) * side)
            image = load_image(path)
            row[:, place] = (
                UNREADABLE
                if image is None
                else cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            )
        rows.append(row)
    return np.concatenate(rows)


def main() -> int:
    """Run the program."""
    args = parse_args()
    if args.workers < 1:
        fail(f'--workers must be at least 1, got {args.workers}')
    datasets, problems = build_datasets(args.config, args.cfg_options or {})
    for name, dataset in datasets.items():
        problems += check_counts(name, dataset)
    if datasets:
        problems += check_images(datasets, args.workers)
        sheet = args.sheet or Path(
            'work_dirs/check_dataset', f'{Path(args.config).stem}.png'
        )
        sheet.parent.mkdir(parents=True, exist_ok=True)
        picture = np.concatenate([contact_sheet(*item) for item in datasets.items()])
        cv2.imwrite(str(sheet), picture)
        print(f'contact sheet: {sheet}')
    if problems:
        print('\nproblems:\n' + '\n'.join(problems), file=sys.stderr)
        return 1
    print('\nnothing wrong')
    return 0


if __name__ == '__main__':
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print('\nstopped', file=sys.stderr)
        raise SystemExit(130) from None
