"""FERPlus."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FERDataset, FoundLayout, Layout, Sample
from .readers.fields import image_name, integer, shorten
from .readers.folders import undouble
from .readers.listings import read_image_list
from .readers.text_files import read_table

NUM_CLASSES = len(expressions.FER_PLUS)
_VOTES = (*map(str.lower, expressions.FER_PLUS), 'unknown', 'NF')
_ANNOTATORS = 10
USAGES = ('Training', 'PublicTest', 'PrivateTest')
_USAGE = dict(zip(('train', 'val', 'test'), USAGES, strict=True))
_FOLDER = {'train': 'FER2013Train', 'val': 'FER2013Valid', 'test': 'FER2013Test'}
_LIST = {'train': 'ferplus_training.txt', 'test': 'ferplus_test.txt'}

_NEW_TREE = """\
    fer2013new.csv                  Usage,Image name,neutral,...
    {folder}/fer0000000.png         (or data/{folder}, or all images in img/)"""
_LABEL_TREE = """\
    {folder}/label.csv              fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,...
    {folder}/fer0000000.png         (or data/{folder})"""
_LIST_TREE = """\
    {file}              "fer0000000.png 0", 0 to 7
    img/fer0000000.png"""


_Row = tuple[str, list[int], int]  # image name, its ten votes, line


@DATASETS.register_module()
class FERPlus(FERDataset):
    """FERPlus (Barsoum et al., ICMI 2016): FER2013's images with ten votes each.

    The layouts are ``'fer2013new.csv'``, ``'label.csv'`` (a table in the folder of each
    split) and ``'list'``, in this order of precedence; the documentation page
    "Datasets" shows them. The two kinds of tables disagree on 1,602 images, so
    ``metainfo['label_file']`` names the one in use. The class of an image is the winner
    of the authors' majority rule (:func:`.majority`). Images without a winner, and
    those that are unknown or show no face, are left out.

    Args:
        **kwargs: See :class:`.FERDataset`.
        split: ``'train'``, ``'val'`` (PublicTest) or ``'test'`` (PrivateTest): 25,060,
            3,199 and 3,153 images with ``fer2013new.csv``, 25,045, 3,191 and 3,137 with
            ``label.csv``.
        soft_labels: Whether each image also gets the distribution of its votes over the
            classes as ``gt_score``, which the losses use instead of the label.

    Raises:
        ValueError: Soft labels are requested from a list.

    Examples:
        >>> data = FERPlus('data/ferplus', split='test', soft_labels=True)
        >>> data.metainfo['label_file']
        'fer2013new.csv'
        >>> info = data.get_data_info(0)
        >>> info['gt_score'].shape, int(info['gt_score'].argmax()) == info['gt_label']
        ((8,), True)
    """

    SPLITS = ('train', 'val', 'test')
    METAINFO = {'dataset_name': 'FERPlus', 'classes': expressions.FER_PLUS}
    PUBLISHED_BY_FILE = {
        'fer2013new.csv': {
            'train': (8740, 7287, 3149, 3014, 2100, 119, 532, 119),
            'val': (1182, 865, 415, 351, 287, 24, 62, 13),
            'test': (1090, 893, 396, 384, 273, 18, 83, 16),
        },
        'label.csv': {
            'train': (8733, 7284, 3136, 3022, 2098, 116, 536, 120),
            'val': (1180, 862, 411, 348, 289, 25, 60, 16),
            'test': (1083, 892, 394, 382, 269, 16, 86, 15),
        },
    }

    def __init__(self, *args: Any, soft_labels: bool = False, **kwargs: Any) -> None:
        self.soft_labels = soft_labels
        super().__init__(*args, **kwargs)

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        folder = _FOLDER[self.split]
        hint = f'Write the images into {folder} with the program included in FERPlus'
        new = [root / 'fer2013new.csv']
        label = [base / folder / 'label.csv' for base in (root, root / 'data')]
        trees = [tree.format(folder=folder) for tree in (_NEW_TREE, _LABEL_TREE)]
        layouts = [
            Layout('fer2013new.csv', new, self._read_new, trees[0], hint),
            Layout('label.csv', label, self._read_label, trees[1], hint),
        ]
        if file := _LIST.get(self.split):
            tree = _LIST_TREE.format(file=file)
            hint = 'The names in the list are relative to img/'
            layouts.append(Layout('list', [root / file], self._read_list, tree, hint))
        return layouts

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class. The counts depend on the table."""
        return self.PUBLISHED_BY_FILE.get(found.layout.name, {}).get(self.split)

    def _read_new(self, source: Path) -> Iterator[Sample]:
        folder, root = _FOLDER[self.split], source.parent
        choices = [root / folder, root / 'data' / folder, root / 'img']
        images = undouble(next((p for p in choices if p.is_dir()), choices[0]))
        votes = _read_fer2013new(source, _USAGE[self.split])
        return self._samples(source, votes, images)

    def _read_label(self, source: Path) -> Iterator[Sample]:
        return self._samples(source, _read_label_csv(source), source.parent)

    def _samples(
        self, source: Path, rows: Iterable[_Row], images: Path
    ) -> Iterator[Sample]:
        self._metainfo['label_file'] = source.name
        rows = list(rows)
        table = np.array([votes for _, votes, _ in rows]).reshape(-1, len(_VOTES))
        labels = majority(table).tolist()
        for (name, _, line), votes, label in zip(rows, table, labels, strict=True):
            if label >= 0:
                path, origin = os.path.join(images, name), f'{source} line {line}'
                scores = votes[:NUM_CLASSES] if self.soft_labels else None
                yield Sample(path, label, origin, scores=scores)

    def _read_list(self, source: Path) -> Iterator[Sample]:
        if self.soft_labels:
            raise ValueError(
                f'soft_labels needs votes, but {source} has one label per image. Put '
                f'fer2013new.csv next to it'
            )
        self._metainfo['label_file'] = source.name
        return read_image_list(source, source.parent / 'img', 'fer0000000.png 0')


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the class of each image by the authors' majority rule.

    Classes with a single vote are ignored; the winner needs more than half of the
    remaining votes (Barsoum et al., ICMI 2016).

    Args:
        votes: Votes, (N, 10), the eight classes first.

    Returns:
        int64, (N,): the class, or -1 if there is no winner or it is "unknown" or
        "no face".
    """
    counted = np.where(votes == 1, 0, votes)
    winner = counted.argmax(axis=1)
    wins = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(wins & (winner < NUM_CLASSES), winner, -1)


def _read_fer2013new(path: Path, usage: str) -> Iterator[_Row]:
    """Read the rows of one of the :data:`USAGES` from ``fer2013new.csv``.

    Rows without a name have no image and are left out. A malformed row of any usage is
    an error.
    """
    rows = read_table(path)
    number, header = next(rows, (1, []))
    expected = ['Usage', 'Image name', *_VOTES]
    if [name.strip() for name in header] != expected:
        raise ValueError(
            f'{path} line {number}: expected {",".join(expected)}, got '
            f'{shorten(",".join(header))}'
        )
    for number, row in rows:
        name, votes = _row(path, number, row, name=1)
        if row[0].strip() not in USAGES:
            raise ValueError(
                f'{path} line {number}: Usage must be one of {", ".join(USAGES)}, got '
                f'{shorten(row[0].strip())}'
            )
        if row[0].strip() == usage and name:
            yield name, votes, number


def _read_label_csv(path: Path) -> Iterator[_Row]:
    """Read the ``label.csv`` of a split, which has no header.

    A row is ``fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0``, for example.
    """
    for number, row in read_table(path):
        name, votes = _row(path, number, row, name=0)
        if not name:
            raise ValueError(f'{path} line {number}: the row has no image name')
        yield name, votes, number


def _row(path: Path, line: int, row: list[str], name: int) -> tuple[str, list[int]]:
    """Return the name, which may be empty, and the votes of a row."""
    try:
        if len(row) != 2 + len(_VOTES):
            raise ValueError(f'got {len(row)} columns')
        image = image_name(row[name]) if row[name].strip() else ''
        return image, [integer(vote, _ANNOTATORS) for vote in row[2:]]
    except ValueError as error:
        raise ValueError(
            f'{path} line {line}: expected a name and ten vote counts: {error}. '
            f'The row is {shorten(",".join(row))}'
        ) from error
