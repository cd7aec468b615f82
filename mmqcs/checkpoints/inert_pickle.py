"""Unpickling that calls nothing a file names, for ``torch.load(pickle_module=...)``.

A pickle is a small program: it imports names and calls them. Here a name stands
for itself only if it is one of a few containers, or for a small function of ours
if it is part of how tensors and numbers are stored. Every other name becomes a
class whose instances hold nothing; calling such a name is refused. So a file with
objects of unknown classes can be read around them, and one that wants to run
something cannot.
"""

import math
import pickle
import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn

import torch
from torch.storage import TypedStorage

__all__ = ['Refused', 'StandIn', 'Unpickler', 'load']


class Refused(pickle.UnpicklingError):
    """The file asks for more than its weights need."""


class _StandInType(type):
    """Metaclass that refuses to call what the file names."""

    wanted: str

    def __call__(cls, *_: Any, **__: Any) -> NoReturn:
        raise Refused(f'it asks to call {cls.wanted}')


class StandIn(metaclass=_StandInType):
    """Takes the place of an object of a class that is not known; keeps nothing.

    Attributes:
        wanted: Name of the class in the file.
    """

    wanted = 'an object'

    def __new__(cls, *_: Any, **__: Any) -> 'StandIn':  # noqa: D102
        return object.__new__(cls)

    def _ignore(self, *_: Any) -> None:
        """Takes items or a state, and forgets them."""

    __setstate__ = append = extend = add = __setitem__ = _ignore


def _named(name: str) -> type[StandIn]:
    return _StandInType('StandIn', (StandIn,), {'wanted': name})


class _Call:
    """A function that the file may call but, unlike a function, not change."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> NoReturn:
        raise Refused('it asks to change a function')


class _DType:
    """A numpy dtype of numbers, kept as text such as '<f8'."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __setstate__(self, state: tuple) -> None:
        if state[1] in ('<', '>'):
            self.text = state[1] + self.text


def _scalar(dtype: _DType, data: bytes) -> float | int | bool:
    import numpy as np

    if not re.fullmatch(r'[<>]?[biuf]\d', dtype.text):
        raise Refused(f'it asks for a numpy scalar of type {dtype.text!r:.40}')
    return np.frombuffer(data, np.dtype(dtype.text))[0].item()


def _encode(text: str, encoding: str) -> bytes:
    # how pickles of protocol 2 write bytes; other codecs would be imported
    if encoding != 'latin1':
        raise Refused(f'it asks for the codec {encoding!r}')
    return text.encode('latin1')


def _tensor(
    storage: TypedStorage, offset: int, size: tuple, stride: tuple, *_: Any
) -> torch.Tensor:
    # torch would enlarge a storage that is smaller than what the file claims
    last = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    wanted = offset + last + 1 if math.prod(size) else 0
    if min((offset, *size, *stride)) < 0 or wanted > storage._size():
        raise Refused(f'it asks for a tensor of shape {size} with fewer numbers')
    return torch._utils._rebuild_tensor(storage, offset, size, stride)


def _stand_in(name: str) -> Callable[..., StandIn]:
    return lambda *_: _named(name).__new__(_named(name))


_CONTAINERS = {
    'collections.OrderedDict': OrderedDict,
    'collections.defaultdict': defaultdict,
    **{f'builtins.{t.__name__}': t for t in (set, frozenset, dict, list, tuple)},
}

_FUNCTIONS: dict[str, Callable] = {
    'torch._utils._rebuild_tensor': _tensor,
    'torch._utils._rebuild_tensor_v2': _tensor,
    'torch._utils._rebuild_parameter': lambda data, *_: data,
    'torch.Size': tuple,
    '_codecs.encode': _encode,
    'numpy.dtype': lambda text, *_: _DType(text),
    # makes an object without running its class
    'copyreg._reconstructor': lambda kind, *_: kind.__new__(kind),
    # A bound or static method that was stored, as in MMEngine's schedulers. The
    # result is a name like others: it can be held but not called.
    'builtins.getattr': lambda _, name: _named(f'the attribute {name}'),
    **{f'numpy.{c}.multiarray.scalar': _scalar for c in ('core', '_core')},
    # arrays and a few values of the standard library: not needed, so not made
    **{
        name: _stand_in(name)
        for name in (
            'numpy.core.multiarray._reconstruct',
            'numpy._core.multiarray._reconstruct',
            'numpy._core.numeric._frombuffer',
            'numpy.core.numeric._frombuffer',
            'torch.device',
            'datetime.datetime',
            'datetime.date',
            'datetime.timedelta',
            'pathlib.PosixPath',
            'pathlib.WindowsPath',
            'pathlib._local.PosixPath',
            'pathlib._local.WindowsPath',
        )
    },
}

_STORAGE = ('storage', b'storage')
_PYTHON_2 = {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}


class Unpickler(pickle.Unpickler):
    """An unpickler for which no name of the file leads to foreign code."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the file stands for; nothing is imported."""
        full = f'{_PYTHON_2.get(module, module)}.{name}'
        if full in _CONTAINERS:
            return _CONTAINERS[full]
        if full in _FUNCTIONS:
            return _Call(_FUNCTIONS[full])
        return _named(full)

    def __setattr__(self, name: str, value: Any) -> None:
        # Where torch hooks in. Besides storages it would take modules from old
        # files, and then compare and even write source files.
        if name == 'persistent_load':
            find = value

            def value(saved: Any) -> Any:
                if not isinstance(saved, tuple) or saved[0] not in _STORAGE:
                    raise Refused('it asks for an object outside the file')
                return find(saved)

        super().__setattr__(name, value)


def load(file: BinaryIO, **kwargs: Any) -> Any:
    """``pickle.load`` by :class:`Unpickler`."""
    return Unpickler(file, **kwargs).load()
