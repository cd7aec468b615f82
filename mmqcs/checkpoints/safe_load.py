"""Reads checkpoints without running code that is in them."""

import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from torch import serialization

MOST_STAND_INS = 200
"""More names than that are in no file of a training program."""


class CheckpointError(ValueError):
    """A file is not a checkpoint, is damaged, or asks to run something."""


class ForeignObjectError(CheckpointError):
    """A checkpoint holds objects other than tensors, numbers, text and containers."""


class _StandInType(type):
    """Metaclass that refuses to call what the file names."""

    wanted: str

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        raise _RefusedError(f'it asks to call {cls.wanted}')


class StandIn(metaclass=_StandInType):
    """Empty object in place of one whose class is not known.

    Attributes:
        wanted: Name of the class in the file.
    """

    wanted = 'an object'

    def __new__(cls, *_: Any, **__: Any) -> 'StandIn':  # noqa: D102
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Forget the state."""


class _RefusedError(Exception):
    """The file asks for more than its weights need."""


def _stand_in(name: str) -> tuple[Any, str]:
    """Return what takes the place of a name in a file."""
    kind: Any = _StandInType('StandIn', (StandIn,), {'wanted': name})
    if name.startswith(('datetime.', 'pathlib.')):
        # values of settings, which pickles make by a call
        return (lambda *_: kind.__new__(kind)), name
    if name == 'collections.defaultdict':
        # torch fills no other dicts
        return (lambda *_: {}), name
    return kind, name


def check_format(path: str | Path) -> bool:
    """Check that ``torch.save`` wrote a file and that the file is intact.

    Returns:
        Whether it has the zip format (torch ≥ 1.6), which has checksums.

    Raises:
        CheckpointError: The file is missing, damaged or of another kind.
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
                f'{path} is truncated: its end is missing. Download or copy it again'
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
            names = {record.filename.rpartition('/')[2] for record in records}
            problem = ''
            if 'constants.pkl' in names:
                problem = 'is a TorchScript program, not a checkpoint'
            elif 'data.pkl' not in names:
                problem = 'is a zip archive that torch.save did not write'
            elif any(record.compress_type != zipfile.ZIP_STORED for record in records):
                # a small file could fill the memory
                problem = 'is a compressed zip archive, which torch.save does not write'
            elif changed := archive.testzip():  # torch does not compare the checksums
                problem = f'is damaged: the checksum of {changed!r:.80} is wrong'
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        problem = f'is a damaged zip archive: {error}'
    if problem:
        raise CheckpointError(f'{path} {problem}')


def _kind(start: bytes) -> str:
    if start[8:9] == b'{' and int.from_bytes(start[:8], 'little') < 2**27:
        return 'a safetensors file'
    if start.startswith(b'version https://git-lfs'):
        return 'a Git LFS pointer: fetch the file itself with git lfs pull'
    if start.lstrip()[:1] == b'<':
        return 'a web page, perhaps from a failed download'
    if b'\0' not in start and start.isascii():
        return 'a text file'
    return 'something else'


def _stored_method(kind: Any, name: str) -> Any:
    """Return a method that MMEngine's objects store, in place of ``getattr``.

    MMEngine's own list allows ``getattr`` itself, through which a file could reach the
    globals of any module.
    """
    prefixes = {
        HistoryBuffer: ('mean', 'max', 'min', 'current'),
        OneCycleParamScheduler: ('_annealing_',),
    }
    if not name.startswith(prefixes.get(kind, ())):
        owner = getattr(kind, '__name__', type(kind).__name__)
        raise _RefusedError(f'it asks for {owner}.{name:.60}')
    return getattr(kind, name)


def _mmengine_objects() -> list[Any]:
    """List what MMEngine puts in a checkpoint: log buffers with their numpy arrays."""
    core = np._core if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else np.core  # type: ignore[attr-defined]
    return [
        HistoryBuffer,
        OneCycleParamScheduler,
        (_stored_method, 'builtins.getattr'),
        np.ndarray,
        np.dtype,
        *{type(np.dtype(code)) for code in '?bhilqBHILQefd'},
        *(
            (getattr(core.multiarray, name), f'numpy.{package}.multiarray.{name}')
            for name in ('_reconstruct', 'scalar')
            for package in ('core', '_core')  # of numpy 1 and 2
        ),
    ]


def allow_mmengine_objects() -> None:
    """Let MMEngine's own ``torch.load`` read the objects that MMEngine stores.

    Holds for the rest of the process. The functions of this module do not need it.
    """
    serialization.add_safe_globals(_mmengine_objects())


@contextmanager
def _allowing(objects: Iterable[Any]) -> Iterator[None]:
    """Allow these objects and no others, whatever is allowed outside."""
    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals(list(objects))
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def load_weights_only(path: str | Path, mmengine: bool = True) -> Any:
    """Load a checkpoint that holds nothing but data.

    A file in the zip format is mapped into memory, so weights are read when used.
    Log buffers and schedules of MMEngine are allowed unless ``mmengine`` is False.

    Raises:
        ForeignObjectError: The file holds other objects; the first is named.
        CheckpointError: It is not a checkpoint or is damaged.
    """
    mapped = check_format(path)
    try:
        with _allowing(_mmengine_objects() if mmengine else ()):
            return _load(path, mapped)
    except _RefusedError as error:
        raise ForeignObjectError(f'{path} holds more than weights: {error}') from error
    except Exception as error:
        name = _unknown_name(error)
        if not name:
            raise _damaged(path, error) from error
        raise ForeignObjectError(f'{path} holds more than weights: {name}') from error


def read_checkpoint(path: str | Path) -> Any:
    """Read a checkpoint without whatever objects are pickled in it.

    Tensors, numbers, text and containers are read; an object of an unknown class
    becomes a :class:`StandIn`. Nothing in the file is run or imported. A hostile file
    can still be unreadable or slow to read.

    Args:
        path: File that ``torch.save`` wrote, of any version.

    Raises:
        CheckpointError: It is not a checkpoint, is damaged, or asks to call something,
            which is named.
    """
    mapped = check_format(path)
    allowed = _mmengine_objects()
    names: set[str] = set()
    while True:
        try:
            with _allowing(allowed):
                return _load(path, mapped)
        except _RefusedError as error:
            raise _harmful(path, str(error)) from error
        except Exception as error:  # a crafted file can raise anything
            name = _unknown_name(error)
            if not name:
                raise _damaged(path, error) from error
            # torch allows some modules to nobody, os among them
            if name in names or 'is blocked' in str(error):
                raise _harmful(path, f'it asks to call {name}') from error
            if len(names) == MOST_STAND_INS:
                raise _harmful(path, f'it names {len(names)} classes') from error
        names.add(name)
        allowed.append(_stand_in(name))


def _load(path: str | Path, mapped: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # on pickle protocols
        return torch.load(str(path), map_location='cpu', weights_only=True, mmap=mapped)


def _unknown_name(error: Exception) -> str:
    """Return the name in a file that torch does not allow, '' for other errors."""
    found = re.search(r'GLOBAL (\S+)', str(error))
    if found is None:
        return ''
    # torch leaves the module of built-in names out
    return found[1] if '.' in found[1] else f'builtins.{found[1]}'


def _harmful(path: str | Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f'{path} was not read: {reason}. Weights do not need that, so the file may be '
        f'harmful'
    )


def _damaged(path: str | Path, error: Exception) -> CheckpointError:
    text = str(error).strip()
    # what torch says first is to load the file without weights_only
    text = text.rpartition('WeightsUnpickler error:')[2].strip()
    reason = (text or type(error).__name__).splitlines()[0]
    return CheckpointError(f'{path} is damaged or not a PyTorch checkpoint: {reason}')
