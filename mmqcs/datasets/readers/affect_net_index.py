"""Cached index of AffectNet's labels and face boxes, which take long to read."""

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .fields import face_box, image_name, integer, shorten
from .index_cache import cached_index, fingerprint, pack, unpack
from .text_files import open_regular, read_table

NUM_CLASSES = 8
_EXPRESSIONS = 11  # including 8 None, 9 Uncertain and 10 No-Face
_SUFFIX = '_exp.npy'
_ANNOTATION_LIMIT = 2**16  # bytes; they have about 130
_NO_BOX = (0, 0, 0, 0)
_COLUMNS = (
    *('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height'),
    'expression',
)


class AffectNetIndex(NamedTuple):
    """Labels and boxes of N images with one of the eight expressions."""

    names: list[str]  # paths (table) or ids (annotations)
    labels: np.ndarray  # (N,)
    boxes: np.ndarray  # x, y, width, height, (N, 4); zeros if there is none
    lines: np.ndarray  # numbers in the table, (N,)


def index_csv(path: Path) -> AffectNetIndex:
    """Index a table of the first release, ``training.csv`` or ``validation.csv``."""
    return _cached(path, fingerprint([path]), lambda: _read_csv(path))


def index_annotations(folder: Path) -> AffectNetIndex:
    """Index the annotations of the 2021 release, ``<id>_exp.npy`` for each image."""
    with os.scandir(folder) as entries:
        found = {
            entry.name.removesuffix(_SUFFIX): entry.stat().st_mtime_ns
            for entry in entries
            if entry.name.endswith(_SUFFIX)
        }
    ids = sorted(found, key=lambda i: (len(i), i))
    state = fingerprint([folder], (f'{i} {found[i]}' for i in ids))
    return _cached(folder, state, lambda: _read_files(folder, ids))


def _cached(
    source: Path, state: str, build: Callable[[], dict[str, np.ndarray]]
) -> AffectNetIndex:
    index = cached_index('affectnet', source, state, build, _check)
    return AffectNetIndex(**{**index, 'names': unpack(index['names'])})


def _check(index: dict[str, np.ndarray]) -> None:
    """Raise a ValueError if the arrays of a cached index are not those of `_pack`."""
    count = len(unpack(index['names']))
    expected = {
        'names': (np.uint8, index['names'].shape),
        'labels': (np.int16, (count,)),
        'boxes': (np.int32, (count, 4)),
        'lines': (np.int32, (count,)),
    }
    found = {key: (array.dtype, array.shape) for key, array in index.items()}
    if found != expected:
        raise ValueError(f'expected arrays {expected}, got {found}')
    if not np.isin(index['labels'], range(NUM_CLASSES)).all():
        raise ValueError(f'expected labels from 0 to {NUM_CLASSES - 1}')


def _pack(
    names: Sequence, labels: Sequence, boxes: Sequence, lines: Sequence
) -> dict[str, np.ndarray]:
    return {
        'names': pack(names),
        'labels': np.array(labels, dtype=np.int16),
        'boxes': np.array(boxes, dtype=np.int32).reshape(-1, 4),
        'lines': np.array(lines, dtype=np.int32),
    }


def _read_csv(path: Path) -> dict[str, np.ndarray]:
    found: list[tuple] = []
    rows = read_table(path)
    number, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    if wrong := [name for name in _COLUMNS if header.count(name) != 1]:
        raise ValueError(
            f'{path} line {number}: expected each of the columns {", ".join(wrong)} '
            f'once; the header is {shorten(",".join(header))}'
        )
    name, x, y, width, height, expression = map(header.index, _COLUMNS)
    for number, row in rows:
        try:
            if len(row) != len(header):
                raise ValueError(f'expected {len(header)} columns, got {len(row)}')
            image = image_name(row[name])
            label = integer(row[expression], _EXPRESSIONS - 1)
            if label >= NUM_CLASSES:
                continue
            box = face_box((row[x], row[y], row[width], row[height]))
        except ValueError as error:
            raise ValueError(
                f'{path} line {number}: {error}. The row is {shorten(",".join(row))}'
            ) from error
        found.append((image, label, box or _NO_BOX, number))
    return _pack(*zip(*found, strict=True)) if found else _pack((), (), (), ())


def _read_files(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    # threads, because most of the time is spent waiting for the disk
    with ThreadPoolExecutor(16) as pool:
        labels = list(pool.map(lambda i: _annotation(folder / f'{i}{_SUFFIX}'), ids))
    kept = [i for i, label in enumerate(labels) if label < NUM_CLASSES]
    names, labels = [ids[i] for i in kept], [labels[i] for i in kept]
    return _pack(names, labels, [_NO_BOX] * len(kept), [0] * len(kept))


def _annotation(path: Path) -> int:
    """Read the expression from a file of the 2021 release: a number or its text."""
    with open_regular(path, _ANNOTATION_LIMIT) as file:
        data = file.read()
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
        if array.dtype.kind not in 'iufSU':
            raise ValueError(f'its type is {array.dtype}')
        value = array.item()
        text = value.decode() if isinstance(value, bytes) else str(value)
        return integer(text, _EXPRESSIONS - 1)
    except Exception as error:  # NumPy raises many types for damaged files
        raise ValueError(f'{path}: not an array of one expression: {error}') from error
