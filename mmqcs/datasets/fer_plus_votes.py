"""The votes of FERPlus: how they are read, and who wins."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ['Votes', 'majority', 'read_fer2013new', 'read_label_csv']

_VOTES = (
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'NF',
)
NUM_CLASSES = 8


class Votes(NamedTuple):
    """The votes on N images.

    Attributes:
        names: Names of the image files.
        votes: Votes for the eight classes, unknown and NF (no face), (N, 10).
        lines: Lines of the file that these were read from, from 1.
    """

    names: list[str]
    votes: np.ndarray
    lines: list[int]


def majority(votes: np.ndarray) -> np.ndarray:
    """Finds the class that each image belongs to.

    The rule of the authors (Barsoum et al., ICMI 2016): a single vote does not
    count; the winner needs more than half of what is left.

    Args:
        votes: Votes, (N, 10), the eight classes first.

    Returns:
        int64, (N,): the class, or -1 where there is no winner or the winner is
        unknown or no face; these images are not of the data set.
    """
    counted = np.where(votes == 1, 0, votes)
    winner = counted.argmax(axis=1)
    wins = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(wins & (winner < NUM_CLASSES), winner, -1)


def read_fer2013new(path: Path, usage: str) -> Votes:
    """Reads the rows of one usage from ``fer2013new.csv``.

    Args:
        path: Table with the header ``Usage,Image name,neutral,...,NF``.
        usage: 'Training', 'PublicTest' or 'PrivateTest'.

    Returns:
        The votes; rows without a name have no image and are left out.

    Raises:
        ValueError: The header is another, or a row has no ten numbers.
    """
    with path.open(encoding='utf-8-sig', newline='') as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        expected = ['Usage', 'Image name', *_VOTES]
        if header != expected:
            raise ValueError(
                f'{path} line 1: expected {",".join(expected)}, got {",".join(header)}'
            )
        kept = [
            (rows.line_num, row)
            for row in rows
            if row and row[0] == usage and (len(row) < 2 or row[1].strip())
        ]
    return _votes(path, kept, columns=2, name=1)


def read_label_csv(path: Path) -> Votes:
    """Reads the ``label.csv`` of a split, which has no header.

    Args:
        path: Table with rows such as
            ``fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0``.

    Raises:
        ValueError: A row is not of that form.
    """
    with path.open(encoding='utf-8-sig', newline='') as file:
        rows = csv.reader(file)
        kept = [(rows.line_num, row) for row in rows if row]
    return _votes(path, kept, columns=2, name=0)


def _votes(
    path: Path, rows: list[tuple[int, list[str]]], columns: int, name: int
) -> Votes:
    votes = np.zeros((len(rows), len(_VOTES)), dtype=np.int64)
    for i, (line, row) in enumerate(rows):
        try:
            votes[i] = [int(vote) for vote in row[columns:]]
            if len(row) != columns + len(_VOTES):  # a single number would spread
                raise ValueError
        except ValueError:
            raise ValueError(
                f'{path} line {line}: expected a name and ten numbers of votes, got '
                f'{",".join(row)!r}'
            ) from None
    return Votes([row[name].strip() for _, row in rows], votes, [n for n, _ in rows])
