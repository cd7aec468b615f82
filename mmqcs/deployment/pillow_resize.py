"""Pillow's resizing of 8-bit images, bit by bit, in numpy.

The published recipes resize by Pillow. Its filter widens with the reduction; it
resizes one axis after the other, rounds in between, and counts in integers of 22
fractional bits.
"""

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ['FRACTION_BITS', 'SUPPORT', 'go_rows_first', 'pillow_resize']

FRACTION_BITS = 22
SUPPORT = {'bilinear': 1.0, 'bicubic': 2.0}
"""Filters by name, with how far each reaches, in pixels of the image it reads."""


def pillow_resize(
    image: np.ndarray,
    height: int,
    width: int,
    interpolation: str = 'bilinear',
    rows_may_go_first: bool = True,
) -> np.ndarray:
    """Resizes as ``PIL.Image.resize`` does.

    Args:
        image: (H, W, C) uint8.
        height: Of the result in pixels.
        width: Of the result in pixels.
        interpolation: ``'bilinear'`` or ``'bicubic'``.
        rows_may_go_first: Whether the height is reduced before the width where that
            is the quicker way: so from Pillow 13 on, never before.

    Returns:
        (height, width, C) uint8.
    """
    rows_first = rows_may_go_first and go_rows_first(image.shape, height, width)
    for axis in (0, 1) if rows_first else (1, 0):
        size = (height, width)[axis]
        if image.shape[axis] != size:
            turned = image.swapaxes(axis, 1)
            image = _resize_columns(turned, size, interpolation).swapaxes(axis, 1)
    return np.ascontiguousarray(image)


def go_rows_first(shape: Sequence[int], height: int, width: int) -> bool:
    """Whether Pillow 13 reduces the height before the width.

    Args:
        shape: (H, W, ...) of the image.
        height: Of the result.
        width: Of the result.
    """
    less_height = shape[0] - height
    return less_height > max(0, 2 * (shape[1] - width))


def _resize_columns(image: np.ndarray, width: int, interpolation: str) -> np.ndarray:
    columns, weights = _taps(image.shape[1], width, interpolation)
    total = np.full(
        (image.shape[0], width, image.shape[2]), 1 << (FRACTION_BITS - 1), np.int32
    )
    pixels = image.astype(np.int32)
    for column, weight in zip(columns, weights, strict=True):
        total += pixels[:, column] * weight[:, None]
    return np.clip(total >> FRACTION_BITS, 0, 255).astype(np.uint8)


def _taps(source: int, size: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel of the result reads: columns and weights, (taps, size) each.

    Columns beyond the image are read at its edge, with weight 0.
    """
    scale = source / size
    stretch = max(scale, 1.0)
    reach = SUPPORT[interpolation] * stretch
    centres = (np.arange(size) + 0.5) * scale
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    columns = first + np.arange(int(np.ceil(2 * reach)) + 1)[:, None]
    weights = _FILTERS[interpolation]((columns + 0.5 - centres) * (1 / stretch))
    weights[columns >= source] = 0
    weights /= weights.sum(axis=0)
    fixed = np.trunc(weights * (1 << FRACTION_BITS) + np.copysign(0.5, weights))
    return np.minimum(columns, source - 1), fixed.astype(np.int32)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: np.ndarray) -> np.ndarray:
    # Keys' kernel with a = -1/2
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))


_FILTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'bilinear': _triangle,
    'bicubic': _cubic,
}
