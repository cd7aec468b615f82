"""Makes the windows of Swin transformers fit for a symbolic batch."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmpretrain.models.utils import ShiftWindowMSA
from torch import Tensor

__all__ = ['whole_batches']


def _window_reverse(windows: Tensor, height: int, width: int, side: int) -> Tensor:
    """(B · number, side, side, C) → (B, height, width, C)."""
    rows, columns = height // side, width // side
    batch = windows.shape[0] // (rows * columns)
    grid = windows.view(batch, rows, columns, side, side, -1)
    return grid.transpose(2, 3).reshape(batch, height, width, -1)


@contextmanager
def whole_batches() -> Iterator[None]:
    """Computes the batch of Swin's windows in integers.

    MMPretrain computes it in floating-point numbers and truncates them, once a block;
    with a symbolic batch such terms grow in each other beyond measure.
    """
    original = ShiftWindowMSA.window_reverse
    ShiftWindowMSA.window_reverse = staticmethod(_window_reverse)
    try:
        yield
    finally:
        ShiftWindowMSA.window_reverse = staticmethod(original)
