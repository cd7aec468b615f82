"""Votes of FERPlus: their tables, and the majority rule."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmqcs.expressions import FER_PLUS

from .fields import image_name, integer, shorten
from .text_files import read_table

NUM_CLASSES = len(FER_PLUS)
_VOTES = (*map(str.lower, FER_PLUS), 'unknown', 'NF')
_ANNOTATORS = 10
USAGES = ('Training', 'PublicTest', 'PrivateTest')


class Votes(NamedTuple):
    """Votes on N images."""

    names: list[str]
    votes: np.ndarray  # for the eight classes, unknown and NF (no face), (N, 10)
    lines: list[int]  # numbers in the file, from 1

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[str, list[int], int]]) -> 'Votes':
        """Join rows of name, votes and line."""
        names, votes, lines = zip(*rows, strict=True) if rows else ((), (), ())
        table = np.array(votes, dtype=np.int64).reshape(-1, len(_VOTES))
        return cls(list(names), table, list(lines))


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the class of each image by the authors' majority rule.

    Classes with a single vote are ignored; the winner needs more than half of the
    remaining votes (Barsoum et al., ICMI 2016).

    Args:
        votes: Votes, (N, 10), the eight classes first.

    Returns:
        int64, (N,): the class, or -1 if there is no winner or the winner is "unknown"
        or "no face". The dataset does not contain these images.
    """
    counted = np.where(votes == 1, 0, votes)
    winner = counted.argmax(axis=1)
    wins = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(wins & (winner < NUM_CLASSES), winner, -1)


def read_fer2013new(path: Path, usage: str) -> Votes:
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
    found = []
    for number, row in rows:
        name, votes = _row(path, number, row, name=1)
        if row[0].strip() not in USAGES:
            raise ValueError(
                f'{path} line {number}: Usage must be one of {", ".join(USAGES)}, got '
                f'{shorten(row[0].strip())}'
            )
        if row[0].strip() == usage and name:
            found.append((name, votes, number))
    return Votes.from_rows(found)


def read_label_csv(path: Path) -> Votes:
    """Read the ``label.csv`` of a split, which has no header.

    A row is ``fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0``, for example.
    """
    found = []
    for number, row in read_table(path):
        name, votes = _row(path, number, row, name=0)
        if not name:
            raise ValueError(f'{path} line {number}: the row has no image name')
        found.append((name, votes, number))
    return Votes.from_rows(found)


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
