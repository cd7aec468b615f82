"""Index of AffectNet's labels and face boxes, cached because they take long to read.

The index is a JSON file in the user's cache folder, because the data folder may be
read-only.
"""

import hashlib
import io
import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.logging import print_log

from mmqcs.atomic import write_text

from .fields import face_box, image_name, integer, shorten
from .text_files import open_regular, read_table

_VERSION = 4  # of the contents of an index; increment when they change
_LIMIT = 2**30  # bytes; the index of AffectNet has about 25 million
NUM_CLASSES = 8
_EXPRESSIONS = 11  # including 8 None, 9 Uncertain and 10 No-Face
_SUFFIX = '_exp.npy'
_ANNOTATION_LIMIT = 2**16  # bytes; they have about 130
_COLUMNS = (
    *('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height'),
    'expression',
)


class Entry(NamedTuple):
    """An image with one of the eight expressions."""

    name: str  # path (table) or id (annotations)
    label: int
    box: Sequence[int] | None = None  # x, y, width and height of the face
    line: int = 0  # in the table


def index_csv(path: Path) -> list[Entry]:
    """Index a table of the first release, ``training.csv`` or ``validation.csv``."""
    status = path.stat()
    state = [status.st_size, status.st_mtime_ns]
    return _cached(path, state, lambda: _read_csv(path))


def index_annotations(folder: Path) -> list[Entry]:
    """Index the annotations of the 2021 release, ``<id>_exp.npy`` for each image."""
    with os.scandir(folder) as entries:
        found = {
            entry.name.removesuffix(_SUFFIX): entry.stat().st_mtime_ns
            for entry in entries
            if entry.name.endswith(_SUFFIX)
        }
    ids = sorted(found, key=lambda i: (len(i), i))
    state = [(i, found[i]) for i in ids]
    return _cached(folder, state, lambda: _read_files(folder, ids))


def _read_csv(path: Path) -> list[Entry]:
    index = []
    lines = read_table(path)
    number, header = next(lines, (1, []))
    header = [name.strip() for name in header]
    if wrong := [name for name in _COLUMNS if header.count(name) != 1]:
        raise ValueError(
            f'{path} line {number}: expected each of the columns {", ".join(wrong)} '
            f'once; the header is {shorten(",".join(header))}'
        )
    name, x, y, width, height, expression = map(header.index, _COLUMNS)
    for number, row in lines:
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
        index.append(Entry(image, label, box, number))
    return index


def _read_files(folder: Path, ids: Sequence[str]) -> list[Entry]:
    # threads, because most of the time is spent waiting for the disk
    with ThreadPoolExecutor(16) as pool:
        labels = list(pool.map(lambda i: _annotation(folder / f'{i}{_SUFFIX}'), ids))
    return [Entry(i, n) for i, n in zip(ids, labels, strict=True) if n < NUM_CLASSES]


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


def cache_dir() -> Path:
    """Return ``$MMQCS_CACHE_DIR``, ``$XDG_CACHE_HOME/mmqcs`` or ``~/.cache/mmqcs``."""
    if folder := os.environ.get('MMQCS_CACHE_DIR'):
        return Path(folder).expanduser()
    return Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'mmqcs'


def _cached(
    source: Path, state: Sequence[Any], build: Callable[[], list[Entry]]
) -> list[Entry]:
    """Load the index of a file or folder, or build and store it.

    It is built again if ``state``, everything that it depends on, has changed. If it
    cannot be stored, that is a warning.
    """
    place = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
    path = cache_dir() / f'affectnet-{place}.json'
    state = hashlib.sha256(repr((_VERSION, state)).encode()).hexdigest()
    message = f'Reading {source} and caching its index for the next time'
    try:
        if path.exists():
            with open_regular(path, _LIMIT) as file:
                content = json.load(file)
            if content['state'] == state:
                return _entries(*content['columns'])
    except Exception as error:  # a damaged file can hold anything
        message = f'The index {path} is damaged ({error}); reading {source} again'
    print_log(message, 'current')
    index = build()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # columns, because thousands of small lists take long to read
        columns = list(zip(*index, strict=True)) or [()] * 4
        write_text(path, json.dumps({'state': state, 'columns': columns}))
    except OSError as error:
        print_log(
            f'The index cannot be stored at {path} ({error}), so each start reads the '
            f'dataset again. Set MMQCS_CACHE_DIR to a writable folder',
            'current',
            logging.WARNING,
        )
    return index


def _entries(*columns: Any) -> list[Entry]:
    """Return the entries of a stored index, or raise an error if it has others."""
    names, labels, boxes, lines = columns
    found = [box for box in boxes if box is not None]
    numbers = chain(labels, lines, *found)
    if {*map(type, names)} - {str} or {*map(type, numbers)} - {int}:
        raise ValueError('its columns are of other types')
    if {*labels} - {*range(NUM_CLASSES)} or {*map(len, found)} - {4}:
        raise ValueError('it has other labels or boxes')
    return [Entry(*fields) for fields in zip(*columns, strict=True)]
