"""A quick start of programs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import packages without searching them for garbage, now or later.

    PyTorch and OpenMMLab create about a million objects that live as long as the
    program. Python searches them again and again while they are imported, and once more
    at the end, which is a third of the time of ``tools/train.py --help``.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
