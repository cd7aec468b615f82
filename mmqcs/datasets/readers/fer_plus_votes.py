"""Votes of FERPlus: their tables, and the majority rule."""

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
    """Votes on N images.

    Attributes:
        names: Names of the image files.
        votes: Votes for the eight classes, unknown and NF (no face), (N, 10).
        lines: Line numbers in the file, from 1.
    """

    names: list[str]
    votes: np.ndarray
    lines: list[int]


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
    """Read the rows of one usage from ``fer2013new.csv``.

    Args:
        path: Table with the header ``Usage,Image name,neutral,...,NF``.
        usage: 'Training', 'PublicTest' or 'PrivateTest'.

    Returns:
        The votes. Rows without a name have no image and are left out.

    Raises:
        ValueError: Wrong header, or a malformed row of any usage.
    """
    rows = read_table(path)
    number, header = next(rows, (1, []))
    expected = ['Usage', 'Image name', *_VOTES]
    if [name.strip() for name in header] != expected:
        raise ValueError(
            f'{path} line {number}: expected {",".join(expected)}, got '
            f'{shorten(",".join(header))}'
        )
    names, votes, lines = [], [], []
    for number, row in rows:
        name, numbers = _row(path, number, row, name=1)
        if (found := row[0].strip()) not in USAGES:
            raise ValueError(
                f'{path} line {number}: Usage must be one of {", ".join(USAGES)}, got '
                f'{shorten(found)}'
            )
        if found == usage and name:
            names.append(name)
            votes.append(numbers)
            lines.append(number)
    return Votes(names, _array(votes), lines)


def read_label_csv(path: Path) -> Votes:
    """Read the ``label.csv`` of a split, which has no header.

    Args:
        path: Table with rows such as
            ``fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0``.

    Raises:
        ValueError: A row has another form.
    """
    names, votes, lines = [], [], []
    for number, row in read_table(path):
        name, numbers = _row(path, number, row, name=0)
        if not name:
            raise ValueError(f'{path} line {number}: the row has no image name')
        names.append(name)
        votes.append(numbers)
        lines.append(number)
    return Votes(names, _array(votes), lines)


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


def _array(votes: list[list[int]]) -> np.ndarray:
    return np.array(votes, dtype=np.int64).reshape(-1, len(_VOTES))
