"""Check the datasets of a config before training.

Reads every image of every split once and reports the layout, images per class against
the published counts, missing and unreadable files, image sizes, and images that are in
two splits, also re-encoded or mirrored. Writes a contact sheet. Exits with status 1 if
something is wrong, and with 130 after Ctrl-C.
"""

import argparse
import os
import sys
from collections import Counter
from itertools import chain, combinations, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmqcs.cli.options import ArgumentParser, add_config_options, fail, load_config
from mmqcs.datasets.base import FERDataset
from mmqcs.datasets.checks import check_images, count_problems, split_overlap
from mmqcs.registry import DATASETS
from mmqcs.runs.errors import load_image

UNREADABLE = 128  # grey level of an unreadable image in the contact sheet


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    add_config_options(parser)
    parser.add_argument(
        '--sheet',
        type=Path,
        metavar='PNG',
        help='contact sheet; default: work_dirs/check_dataset/CONFIG_NAME.png',
    )
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='default: all cores'
    )
    return parser.parse_args()


def build_datasets(
    config_path: str, options: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Build each dataset of a config once.

    Returns the datasets by split, and problems: splits that cannot be built.
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
        kind = DATASETS.get(settings['type'])
        if isinstance(kind, type) and issubclass(kind, FERDataset):
            # missing images are counted later
            settings = {**settings, 'check_files': False}
        try:
            dataset = DATASETS.build(settings)
            dataset.full_init()
        except (OSError, ValueError) as error:
            problems.append(f'{split}: {error}')
        else:
            datasets[split] = dataset
    if not built:
        fail(f'{config_path} has no data loaders')
    return datasets, problems


def check_counts(name: str, dataset: Any) -> list[str]:
    """Print images per class and return problems: wrong counts and empty classes."""
    counts = np.bincount(dataset.get_gt_labels(), minlength=len(dataset.CLASSES))
    published = getattr(dataset, 'published', None)
    found = getattr(dataset, 'found', None)
    layout = f', layout {found.layout.name!r} at {found.source}' if found else ''
    print(f'\n{name}: {len(dataset):,} images{layout}')
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


def check_all_images(datasets: dict[str, Any], workers: int) -> list[str]:
    """Read all images and return problems: unreadable images and split overlaps."""
    paths = {
        name: [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
        for name, dataset in datasets.items()
    }
    everything = list(chain.from_iterable(paths.values()))
    print(f'\nreading {len(everything):,} images')
    checked = check_images(everything, workers)
    results = iter(list(track_iter_progress((checked, len(everything)))))
    print()
    images = {name: list(islice(results, len(found))) for name, found in paths.items()}
    problems = []
    for name, found in images.items():
        problems += count_problems(name, found)
        sizes = Counter(image.size for image in found if image.size)
        common = ', '.join(f'{w} x {h} ({n:,})' for (h, w), n in sizes.most_common(3))
        print(f'{name}: {len(sizes):,} sizes, most often {common}')
    for first, second in combinations(images, 2):
        problems += split_overlap(first, second, images[first], images[second])
    return problems


def contact_sheet(
    split: str, dataset: Any, columns: int = 10, side: int = 96
) -> np.ndarray:
    """Return a sheet with one row per class of its first images, RGB uint8."""
    labels = dataset.get_gt_labels()
    rows = []
    for label, name in enumerate(dataset.CLASSES):
        row = np.full((side, side * (columns + 1), 3), 255, np.uint8)
        for line, text in enumerate((split, name)):
            corner = (4, side // 2 + 16 * line)
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(row, text, corner, font, 0.45, 0, 1, cv2.LINE_AA)
        for column, i in enumerate(np.flatnonzero(labels == label)[:columns], 1):
            image = load_image(dataset.get_data_info(int(i)))
            row[:, column * side : (column + 1) * side] = (
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
        problems += check_all_images(datasets, args.workers)
        name = f'{Path(args.config).stem}.png'
        sheet = args.sheet or Path('work_dirs/check_dataset', name)
        sheet.parent.mkdir(parents=True, exist_ok=True)
        image = np.concatenate([contact_sheet(*item) for item in datasets.items()])
        cv2.imwrite(str(sheet), image[..., ::-1])
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
