"""Cached index of AffectNet's labels and face boxes, which take long to read.

The index is an ``.npz`` file (no pickle) in the user's cache folder, because the data
folder may be read-only. It is valid as long as the fingerprint of its sources is the
same.
"""

import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.logging import print_log

from mmqcs.atomic import atomic_file

from .fields import face_box, image_name, integer, shorten
from .text_files import open_regular, read_table

_VERSION = 3  # of the contents of an index; increment when they change
_KEY = 'fingerprint'
_LIMIT = 2**30  # bytes; the index of AffectNet has about 30 million
NUM_CLASSES = 8
_EXPRESSIONS = 11  # including 8 None, 9 Uncertain and 10 No-Face
_SUFFIX = '_exp.npy'
_ANNOTATION_LIMIT = 2**16  # bytes; they have about 130
_NO_BOX = (0, 0, 0, 0)
ROW = np.dtype([('label', 'i2'), ('box', 'i4', 4), ('line', 'i4')])
"""Expression; x, y, width and height of the face, or zeros; line in the table."""
_COLUMNS = (
    *('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height'),
    'expression',
)


class AffectNetIndex(NamedTuple):
    """Labels and boxes of N images with one of the eight expressions."""

    names: list[str]  # paths (table) or ids (annotations)
    rows: np.ndarray  # (N,) of type ROW


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
    index = cached_index(source, state, build, _check)
    return AffectNetIndex(unpack(index['names']), index['rows'])


def _check(index: dict[str, np.ndarray]) -> None:
    """Raise a ValueError if the arrays of a cached index are not those of `_pack`."""
    names, rows = unpack(index['names']), index['rows']
    if rows.dtype != ROW or rows.shape != (len(names),):
        raise ValueError(f'expected {len(names)} rows of {ROW}, got {rows.dtype}')
    if not np.isin(rows['label'], range(NUM_CLASSES)).all():
        raise ValueError(f'expected labels from 0 to {NUM_CLASSES - 1}')


def _pack(names: Sequence[str], rows: Sequence[tuple]) -> dict[str, np.ndarray]:
    return {'names': pack(names), 'rows': np.array(rows, dtype=ROW)}


def _read_csv(path: Path) -> dict[str, np.ndarray]:
    names, rows = [], []
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
        names.append(image)
        rows.append((label, box or _NO_BOX, number))
    return _pack(names, rows)


def _read_files(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    # threads, because most of the time is spent waiting for the disk
    with ThreadPoolExecutor(16) as pool:
        labels = list(pool.map(lambda i: _annotation(folder / f'{i}{_SUFFIX}'), ids))
    found = {i: n for i, n in zip(ids, labels, strict=True) if n < NUM_CLASSES}
    return _pack(list(found), [(label, _NO_BOX, 0) for label in found.values()])


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


def fingerprint(sources: Iterable[Path], names: Iterable[str] = ()) -> str:
    """Hash the sizes and modification times of files and folders, and more strings.

    The time of a folder changes when a file in it is added, removed or renamed, but not
    when one is overwritten in place.
    """
    digest = hashlib.blake2b(str(_VERSION).encode(), digest_size=16)
    for source in sources:
        status = source.stat()
        digest.update(f'\0{status.st_size}\0{status.st_mtime_ns}'.encode())
    for name in names:
        digest.update(f'\0{name}'.encode())
    return digest.hexdigest()


def cached_index(
    source: Path,
    state: str,
    build: Callable[[], dict[str, np.ndarray]],
    check: Callable[[dict[str, np.ndarray]], None] = lambda index: None,
) -> dict[str, np.ndarray]:
    """Load the index of a file or folder, or build and store it.

    If it cannot be stored, that is a warning.

    Args:
        source: The indexed file or folder.
        state: Fingerprint of everything that the index depends on.
        build: Builds the index: arrays without objects.
        check: Raises an exception if loaded arrays are not such an index.
    """
    place = hashlib.blake2b(str(source.resolve()).encode(), digest_size=8).hexdigest()
    path = cache_dir() / f'affectnet-{place}.npz'
    message = f'Reading {source} and caching its index for the next time'
    try:
        if (index := _load(path, state)) is not None:
            check(index)
            return index
    except Exception as error:  # damaged archives raise exceptions of many types
        message = f'The index {path} is damaged ({error}); reading {source} again'
    print_log(message, 'current')
    index = build()
    _save(path, state, index)
    return index


def _load(path: Path, state: str) -> dict[str, np.ndarray] | None:
    if not path.exists():
        return None
    with (
        open_regular(path, _LIMIT) as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        if str(archive[_KEY]) != state:
            return None
        return {key: archive[key] for key in archive.files if key != _KEY}


def _save(path: Path, state: str, index: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # several processes of a run may write at once, each to its own draft
        with atomic_file(path) as draft, draft.open('wb') as file:
            np.savez(file, **{_KEY: np.array(state)}, **index)
    except OSError as error:
        print_log(
            f'The index cannot be stored at {path} ({error}), so each start reads the '
            f'dataset again. Set MMQCS_CACHE_DIR to a writable folder',
            'current',
            logging.WARNING,
        )


def pack(strings: Sequence[str]) -> np.ndarray:
    """Pack strings without NUL into one uint8 array."""
    return np.frombuffer('\0'.join(strings).encode(), dtype=np.uint8)


def unpack(array: np.ndarray) -> list[str]:
    """Reverse :func:`pack`; an empty array holds no strings."""
    return array.tobytes().decode().split('\0') if array.size else []
