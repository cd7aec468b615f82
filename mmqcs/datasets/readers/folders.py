"""Locations of files and folders in unpacked downloads, and numbered class folders."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmqcs.expressions import class_spellings

from .listings import Sample, read_class_folders

SPLIT_NAMES = {
    'train': ('train', 'training'),
    'val': ('val', 'valid', 'validation', 'publictest'),
    'test': ('test', 'testing', 'privatetest'),
}
"""Folder names of each split, in lower case."""


def undouble(path: Path) -> Path:
    """Return ``train/train`` for ``train`` if an archive was unpacked that way."""
    inner = path / path.name
    return inner if inner.exists() else path


def locate(root: Path, name: str) -> Path:
    """Return ``root/name`` or, if only that exists, the only ``root/*/name``."""
    path = root / name
    if path.exists():
        return undouble(path)
    found = [undouble(one / name) for one in subfolders(root) if (one / name).exists()]
    if len(found) > 1:
        raise ValueError(
            f'{name} is in several places: {", ".join(map(str, found))}. Keep one'
        )
    return found[0] if found else path


def companion(source: Path, root: Path, name: str) -> Path:
    """Find the folder of images that belongs to the labels in ``source``.

    The search covers each folder from ``source`` up to ``root``, with its subfolders.
    Returns the nearest match, or ``root/name`` if there is none.
    """
    for folder in source.parents:
        path = locate(folder, name)
        if path.exists() or folder == root:
            return path
    return root / name


def subfolders(folder: Path) -> list[Path]:
    """Return the subfolders by name, without hidden ones and ``__MACOSX``."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(
            folder / entry.name
            for entry in entries
            if not entry.name.startswith(('.', '__')) and entry.is_dir()
        )


def split_folders(root: Path, *splits: str) -> list[Path]:
    """Find the folder of a split below a root, in any case and spelling.

    The first of the ``splits`` with a folder is used. If there is none, returns all
    paths that were tried. Several folders for one split are an error.
    """
    there = subfolders(root)
    for split in splits:
        found = [path for path in there if path.name.lower() in SPLIT_NAMES[split]]
        if len(found) > 1:
            raise ValueError(
                f'several folders could be the {split} split: '
                f'{", ".join(map(str, found))}. Move all but one elsewhere'
            )
        if found:
            return [undouble(found[0])]
    return [root / name for split in splits for name in SPLIT_NAMES[split]]


def read_numbered_folders(
    folder: Path,
    dataset: str,
    classes: Sequence[str],
    first: int,
    others: Sequence[str] = (),
) -> Iterator[Sample]:
    """Read class folders that are named after the classes or their numbers.

    Several datasets number their folders, each in its own order, so the log states the
    order that is used. If the dataset counts from 0, but no folder is numbered 0, the
    order is unknown, which is an error.

    Args:
        folder: Folder of the class folders.
        dataset: Name of the dataset, for messages.
        classes: Class names in the order of their numbers.
        first: Number of the first class.
        others: Names of other folders, whose numbers follow those of the classes.
    """
    names = [*classes, *others]
    labels = class_spellings(classes) | {
        name.lower(): i for i, name in enumerate(others, len(classes))
    }
    labels |= {str(i): i - first for i in range(first, first + len(names))}
    numbers = [path.name for path in subfolders(folder) if path.name.isdecimal()]
    order = ', '.join(f'{i} {name}' for i, name in enumerate(names, first))
    if numbers and first == 0 and '0' not in numbers:
        raise ValueError(
            f'{folder} has the numbered folders {", ".join(numbers)}, but {dataset} '
            f'counts from 0 ({order}), so their order is unknown. Rename the folders '
            f'to the names of the classes'
        )
    if numbers:
        print_log(
            f"{folder}: numbered folders are read in {dataset}'s order: {order}",
            logger='current',
        )
    return read_class_folders(folder, labels)
