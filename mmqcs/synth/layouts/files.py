"""Writes files that appear when they are complete."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ['part_of', 'write_csv', 'write_file']


def part_of(path: Path) -> Path:
    """The file in which another one grows until it is complete."""
    return path.with_suffix('.part')


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file, and the folders above it, so that no half of it is ever seen.

    Args:
        path: File to write.
        pieces: Its content; may be a generator, to hold little of it in memory.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with part_of(path).open('wb') as file:
        file.writelines(pieces)
    part_of(path).replace(path)


def write_csv(path: Path, rows: Iterable[Sequence]) -> None:
    """Writes a table, fields quoted where they must be.

    Args:
        path: File to write.
        rows: The rows, the header among them if there is one.
    """
    text = io.StringIO(newline='')
    csv.writer(text).writerows(rows)
    write_file(path, [text.getvalue().encode()])
