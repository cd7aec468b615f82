"""Cache of the index of a large dataset.

An index is a dict of arrays in an ``.npz`` file (no pickle) in the user's cache folder,
because the data folder may be read-only. It is valid as long as the fingerprint of its
sources is the same.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmqcs.atomic import atomic_file

from .text_files import open_regular

_VERSION = 2  # of the contents of an index; increment when they change
_KEY = 'fingerprint'
_LIMIT = 2**30  # bytes; the index of AffectNet has about 30 million


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
    kind: str,
    source: Path,
    state: str,
    build: Callable[[], dict[str, np.ndarray]],
    check: Callable[[dict[str, np.ndarray]], None] = lambda index: None,
) -> dict[str, np.ndarray]:
    """Load an index, or build and store it.

    If it cannot be stored, that is a warning.

    Args:
        kind: Kind of index, the first part of the file name.
        source: The indexed file or folder. Each source and kind has one index.
        state: Fingerprint of everything that the index depends on.
        build: Builds the index: arrays without objects.
        check: Raises an exception if loaded arrays are not such an index.
    """
    place = hashlib.blake2b(str(source.resolve()).encode(), digest_size=8).hexdigest()
    path = cache_dir() / f'{kind}-{place}.npz'
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
