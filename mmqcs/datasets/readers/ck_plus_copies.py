"""Reduced copies of CK+: CK+48 and ``ckextended.csv``."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmqcs.expressions import CK_EXTENDED, class_map, class_spellings

from .fer2013_csv import read_fer2013_csv
from .folders import subfolders
from .listings import Sample, read_class_folders

_NAME = re.compile(r'(?P<subject>S\d+)_(?P<sequence>\d+)_\d+', re.IGNORECASE)
_SPLITS = {'Training': 'train', 'PublicTest': 'test', 'PrivateTest': 'test'}


def ck48_sources(root: Path) -> list[Path]:
    """Return ``CK+48`` below the root, or the root itself if it has class folders."""
    there = subfolders(root)
    spellings = class_spellings(CK_EXTENDED)
    found = [path for path in there if path.name.lower() == 'ck+48']
    if any(path.name.lower() in spellings for path in there):
        found.append(root)
    return found or [root / 'CK+48']


def read_ck48(
    folder: Path, classes: Sequence[str], peak_frames: int
) -> Sequence[Sample]:
    """Read the last frames of each sequence of CK+48, with their ``subject``.

    Args:
        folder: Folder of the class folders.
        classes: Class names.
        peak_frames: Number of frames to read per sequence, at most three.

    Raises:
        ValueError: A file name has no subject and sequence, a sequence is in two class
            folders, or a sequence has too few frames.
    """
    sequences: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in read_class_folders(folder, class_spellings(classes)):
        match = _NAME.fullmatch(Path(sample.path).stem)
        if match is None:
            raise ValueError(
                f'{sample.path}: expected subject, sequence and frame in the name, '
                f'such as S010_004_00000017.png'
            )
        key = match['subject'].upper(), match['sequence']
        sequences[key].append(sample._replace(extra={'subject': key[0]}))
    chosen = []
    for frames in sequences.values():
        if len({frame.label for frame in frames}) > 1:
            raise ValueError(
                f'{frames[0].path} and {frames[-1].path} belong to one sequence, but '
                f'are in two class folders. Keep one'
            )
        if len(frames) < peak_frames:
            raise ValueError(
                f'the sequence of {frames[0].path} has {len(frames)} frames, but '
                f'peak_frames={peak_frames}. Lower it'
            )
        frames.sort(key=lambda frame: Path(frame.path).stem)
        chosen += frames[-peak_frames:]
    return chosen


def read_ckextended(
    table: Path, classes: Sequence[str], split: str
) -> Iterator[Sample]:
    """Read ``ckextended.csv``, which has its own class order.

    Args:
        table: Table with the columns emotion, pixels and Usage.
        classes: Class names.
        split: ``'train'``, ``'test'`` or ``'all'``.

    Raises:
        ValueError: A row is malformed, or its emotion or Usage is unknown.
    """
    labels = class_map(CK_EXTENDED, classes).tolist()
    for row in read_fer2013_csv(table, len(labels)):
        if row.usage not in _SPLITS:
            raise ValueError(
                f'{row.origin}: expected a Usage of {", ".join(_SPLITS)}, got '
                f'{row.usage!r}'
            )
        if split in ('all', _SPLITS[row.usage]):
            yield Sample(row.path, labels[row.emotion], row.origin, listed=True)
    if split != 'all':
        print_log(
            f'{table} has no subjects, so one subject can be in both the training and '
            f'the test split. Results are not comparable with splits by subject',
            logger='current',
            level=logging.WARNING,
        )
