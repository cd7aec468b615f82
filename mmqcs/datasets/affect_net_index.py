"""Reads what AffectNet says about its images: once, as this takes long."""

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .index_cache import cached_index, fingerprint, pack, unpack

__all__ = ['AffectNetIndex', 'index_annotations', 'index_csv']

NUM_CLASSES = 8
_EXPRESSIONS = 11  # 8 None, 9 Uncertain and 10 No-Face are no classes
_SUFFIX = '_exp.npy'
_COLUMNS = (
    'subDirectory_filePath',
    'face_x',
    'face_y',
    'face_width',
    'face_height',
    'expression',
)


class AffectNetIndex(NamedTuple):
    """What is known of N images with one of the eight expressions.

    Attributes:
        names: Paths (table) or numbers (annotations) of the images.
        labels: Expressions, (N,).
        boxes: Face boxes x, y, width, height, (N, 4); zeros where there is none.
        lines: Lines of the table, (N,).
    """

    names: list[str]
    labels: np.ndarray
    boxes: np.ndarray
    lines: np.ndarray


def index_csv(path: Path) -> AffectNetIndex:
    """Indexes a table of the first release.

    Args:
        path: ``training.csv`` or ``validation.csv``.

    Returns:
        The index, from the cache if the table has not changed.

    Raises:
        ValueError: A column is missing or a row is broken.
    """
    state = fingerprint([path])
    return _unpack(cached_index('affectnet', path, state, lambda: _read_csv(path)))


def index_annotations(folder: Path) -> AffectNetIndex:
    """Indexes the annotations of the 2021 release.

    Args:
        folder: Folder with a file ``<id>_exp.npy`` for each image.

    Returns:
        The index, from the cache if the folder has not changed. Files that are
        overwritten in place are not noticed.

    Raises:
        ValueError: A file is not a NumPy file, or holds no expression.
    """
    files = [name for name in os.listdir(folder) if name.endswith(_SUFFIX)]
    ids = sorted(
        (name.removesuffix(_SUFFIX) for name in files), key=lambda i: (len(i), i)
    )
    state = fingerprint([folder], ids)
    return _unpack(
        cached_index('affectnet', folder, state, lambda: _read_files(folder, ids))
    )


def _unpack(index: dict[str, np.ndarray]) -> AffectNetIndex:
    return AffectNetIndex(**{**index, 'names': unpack(index['names'])})


def _pack(
    names: Sequence[str], labels: np.ndarray, boxes: np.ndarray, lines: np.ndarray
) -> dict[str, np.ndarray]:
    kept = np.flatnonzero(labels < NUM_CLASSES)
    return {
        'names': pack([names[i] for i in kept]),
        'labels': labels[kept],
        'boxes': boxes[kept],
        'lines': lines[kept],
    }


def _read_csv(path: Path) -> dict[str, np.ndarray]:
    names, labels, boxes, lines = [], [], [], []
    with path.open(encoding='utf-8-sig', newline='') as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        if missing := [name for name in _COLUMNS if name not in header]:
            raise ValueError(
                f'{path} line 1: no column {", ".join(missing)}; the header is '
                f'{",".join(header)[:200]!r}'
            )
        name, x, y, width, height, expression = map(header.index, _COLUMNS)
        for row in rows:
            if not row:
                continue
            try:
                names.append(row[name].strip().replace('\\', '/'))
                labels.append(_expression(row[expression]))
                boxes.append(_box(row[x], row[y], row[width], row[height]))
            except (ValueError, IndexError) as error:
                raise ValueError(
                    f'{path} line {rows.line_num}: {error}, got {",".join(row)[:100]!r}'
                ) from error
            lines.append(rows.line_num)
    return _pack(
        names,
        np.array(labels, dtype=np.int16),
        np.array(boxes, dtype=np.int32).reshape(-1, 4),
        np.array(lines, dtype=np.int32),
    )


def _box(*fields: str) -> tuple[int, ...]:
    """A box, or zeros if a number is NULL or missing."""
    if any(field.strip().upper() in ('NULL', '') for field in fields):
        return (0, 0, 0, 0)
    return tuple(int(float(field)) for field in fields)


def _expression(value: str) -> int:
    expression = int(value)
    if not 0 <= expression < _EXPRESSIONS:
        raise ValueError(f'expected an expression from 0 to {_EXPRESSIONS - 1}')
    return expression


def _read_files(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    def read(number: str) -> int:
        path = folder / f'{number}{_SUFFIX}'
        try:
            # the number may be stored as text
            return _expression(np.load(path, allow_pickle=False).item())
        except (ValueError, EOFError) as error:
            raise ValueError(f'{path}: {error}') from error

    # threads wait for the disk, which may be on the network
    with ThreadPoolExecutor(16) as pool:
        labels = np.fromiter(pool.map(read, ids), dtype=np.int16, count=len(ids))
    nothing = np.zeros((len(ids), 4), dtype=np.int32)
    return _pack(ids, labels, nothing, np.zeros(len(ids), dtype=np.int32))
