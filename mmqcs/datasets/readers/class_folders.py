"""Finds the folders of splits, and reads class folders that may be numbered."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.logging import print_log

from .label_order import class_spellings
from .layouts import Sample, subfolders, undouble
from .listings import read_class_folders

__all__ = ['SPLIT_NAMES', 'read_numbered_folders', 'split_folders']

SPLIT_NAMES = {
    'train': ('train', 'training'),
    'val': ('val', 'valid', 'validation', 'publictest'),
    'test': ('test', 'testing', 'privatetest'),
}
"""Names of the folder of each split, in lower case."""


def split_folders(root: Path, *splits: str) -> list[Path]:
    """Find the folder of a split, in any case and spelling.

    Args:
        root: Folder that may hold the folders of the splits.
        *splits: Keys of :data:`SPLIT_NAMES`. The first that has a folder is taken.

    Returns:
        The folder; or, if there is none, the paths that were looked for.

    Raises:
        ValueError: There are several folders for one split.
    """
    there = subfolders(root)
    for split in splits:
        found = [path for path in there if path.name.lower() in SPLIT_NAMES[split]]
        if len(found) > 1:
            raise ValueError(
                f'several folders may be the {split} split: '
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
    """Read class folders that have the names of the classes, or their numbers.

    Several datasets number their folders, each in its own order, so the log says
    which order is used.

    Args:
        folder: Folder of the class folders.
        dataset: Name of the dataset that the order is of, for messages.
        classes: Names of the classes in the order of their numbers.
        first: Number of the first class.
        others: Names of further folders that the dataset can have, whose numbers
            follow those of the classes.

    Returns:
        The images, sorted by folder and name; labels count from 0.

    Raises:
        ValueError: A folder is not that of a class; or there are numbered folders,
            but none has the number ``first`` although ``first`` is 0, so that they
            may be numbered from 1 in another order.
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
            f'counts from 0 ({order}), so their order is unknown. Give the folders the '
            f'names of the classes'
        )
    if numbers:
        print_log(
            f"{folder}: numbered folders are read in {dataset}'s order: {order}",
            logger='current',
        )
    return read_class_folders(folder, labels)
