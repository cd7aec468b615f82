"""Reading checkpoints without running code that is in them."""

import codecs
import os
import pickle
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from mmqcs.checkpoints import inert_pickle

__all__ = [
    'CheckpointError',
    'ForeignObjectError',
    'allow_mmengine_objects',
    'check_format',
    'load_weights_only',
    'nothing_allowed',
    'read_checkpoint',
]


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, or wants to run something."""


class ForeignObjectError(CheckpointError):
    """A checkpoint holds objects that torch does not load with weights_only=True."""


def check_format(path: str | Path) -> bool:
    """Check that a file is one that ``torch.save`` writes, and is intact.

    Args:
        path: File.

    Returns:
        Whether it has the zip format (torch ≥ 1.6), which is the one with checksums.

    Raises:
        CheckpointError: It is missing, damaged or something else; the message says
            which.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f'{path} is not a file')
    with path.open('rb') as file:
        start = file.read(64)
    if not start:
        raise CheckpointError(f'{path} is empty')
    if start.startswith(b'PK\x03\x04'):
        if not zipfile.is_zipfile(path):
            raise CheckpointError(
                f'{path} is cut off: its end is missing. Download or copy it again'
            )
        _check_records(path)
        return True
    if start.startswith(b'\x80') and not tarfile.is_tarfile(path):
        return False
    raise CheckpointError(f'{path} is not a PyTorch checkpoint but {_kind(start)}')


def _check_records(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
            names = [record.filename.rpartition('/')[2] for record in records]
            if 'constants.pkl' in names:
                raise CheckpointError(
                    f'{path} is a TorchScript program, not a checkpoint'
                )
            if 'data.pkl' not in names:
                raise CheckpointError(f'{path} is a zip archive, but not of torch.save')
            if any(record.compress_type != zipfile.ZIP_STORED for record in records):
                # torch.save never compresses; a small file could fill the memory
                raise CheckpointError(
                    f'{path} is a compressed zip archive, which torch.save does not '
                    f'write'
                )
            # torch itself does not compare the checksums
            changed = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise CheckpointError(f'{path} is a damaged zip archive: {error}') from None
    if changed is not None:
        raise CheckpointError(
            f'{path} is damaged: the checksum of {changed!r:.80} is wrong. Download or '
            f'copy it again'
        )


def _kind(start: bytes) -> str:
    if start[8:9] == b'{' and int.from_bytes(start[:8], 'little') < 2**27:
        return 'a safetensors file'
    if start.startswith(b'version https://git-lfs'):
        return 'a Git LFS pointer: fetch the file itself by git lfs pull'
    if start.lstrip()[:1] == b'<':
        return 'a web page, perhaps of a failed download'
    if b'\0' not in start and start.isascii():
        return 'a text file'
    return 'something else'


def _stored_method(kind: Any, name: str) -> Any:
    """The methods that MMEngine's objects store, in place of ``getattr``.

    MMEngine's own list allows ``getattr`` itself, which would hand a file the
    globals of any module it can reach.
    """
    from mmengine.logging import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    prefixes = {
        HistoryBuffer: ('mean', 'max', 'min', 'current'),
        OneCycleParamScheduler: ('_annealing_',),
    }
    if not name.startswith(prefixes.get(kind, ())):
        owner = getattr(kind, '__name__', type(kind).__name__)
        raise pickle.UnpicklingError(f'GLOBAL {owner}.{name}')
    return getattr(kind, name)


def allow_mmengine_objects() -> None:
    """Lets ``weights_only=True`` load what MMEngine itself puts in a checkpoint.

    That is its log buffers, the numpy arrays in them, and the class of the
    one-cycle schedule. Holds for the rest of the process; ``safe_globals``, which
    would undo it, is missing from torch 2.4.
    """
    import numpy as np
    from mmengine.logging import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    core = np._core if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else np.core
    functions = (core.multiarray._reconstruct, core.multiarray.scalar)
    allowed: list[Any] = [
        HistoryBuffer,
        OneCycleParamScheduler,
        np.ndarray,
        np.dtype,
        *{type(np.dtype(code)) for code in '?bhilqBHILQefd'},
        *functions,
    ]
    if torch.__version__ >= (2, 6):  # objects can be given under other names
        allowed.append((_stored_method, 'builtins.getattr'))
        allowed.append((_stored_method, '__builtin__.getattr'))
        other = 'core' if core is getattr(np, '_core', None) else '_core'
        allowed += [(f, f'numpy.{other}.multiarray.{f.__name__}') for f in functions]
    else:
        # bytes of an array, which later versions of torch read without being told
        allowed += [getattr, codecs.encode]
    torch.serialization.add_safe_globals(allowed)


@contextmanager
def nothing_allowed() -> Iterator[None]:
    """Within it, ``weights_only=True`` loads what it loads in a new process."""
    allowed = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        yield
    finally:
        torch.serialization.add_safe_globals(allowed)


def load_weights_only(path: str | Path) -> Any:
    """Loads a checkpoint by torch's own restricted unpickler.

    A file of the zip format is mapped into memory, so weights are read when used.

    Args:
        path: File.

    Raises:
        CheckpointError: It is no checkpoint, is damaged, or holds objects of
            classes that are not allowed, the first of which is named.
    """
    mapped = check_format(path)
    try:
        return _load(path, mmap=mapped, weights_only=True)
    except Exception as error:
        found = re.search(r'GLOBAL (\S+)', str(error))
        if found is None:
            raise _damaged(path, error) from error
        raise ForeignObjectError(
            f'{path} holds more than weights: {found[1]}'
        ) from error


def read_checkpoint(path: str | Path) -> Any:
    """Reads a checkpoint around whatever else is pickled in it.

    Tensors, numbers, text and containers are read; objects of unknown classes
    become :class:`~mmqcs.checkpoints.inert_pickle.StandIn`. Nothing in the file is run.
    A hostile file can still be unreadable or slow to read.

    Args:
        path: File that ``torch.save`` wrote, of any version.

    Raises:
        CheckpointError: It is no checkpoint or is damaged, or it asks to call
            something, which is named.
    """
    try:
        return load_weights_only(path)
    except CheckpointError as error:
        if error.__cause__ is None:  # not a checkpoint at all
            raise
    try:
        with _without_forced_weights_only():
            return _load(
                path,
                mmap=check_format(path),
                weights_only=False,
                pickle_module=inert_pickle,
            )
    except inert_pickle.Refused as error:
        raise CheckpointError(
            f'{path} was not read: {error}. Weights do not need that, so the file may '
            'be harmful'
        ) from error
    except Exception as error:  # a crafted file can raise anything
        raise _damaged(path, error) from error


@contextmanager
def _without_forced_weights_only() -> Iterator[None]:
    # with this variable set torch refuses every pickle_module, ours included
    name = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def _load(path: str | Path, **kwargs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # on pickle protocols
        # weights_only=True, or the unpickler that calls nothing: see the two callers
        return torch.load(str(path), map_location='cpu', **kwargs)


def _damaged(path: str | Path, error: Exception) -> CheckpointError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CheckpointError(f'{path} is damaged or is no PyTorch checkpoint: {reason}')
