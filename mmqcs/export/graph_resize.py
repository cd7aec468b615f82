"""Resizing inside an exported graph: OpenCV's and Pillow's arithmetic in torch.

Both libraries compute 8-bit images in integers, and a network sees the difference of
a level. Their integers are held in float64, where sums, products and divisions by
powers of two are exact. The size of the image that comes in may be symbolic.
"""

import torch
from torch import Tensor

from mmqcs.deployment.geometry import Resize
from mmqcs.deployment.pillow_resize import FRACTION_BITS

__all__ = ['SUPPORTED', 'resize']

SUPPORTED = frozenset({('cv2', 'bilinear'), ('cv2', 'area'), ('pillow', 'bilinear')})
"""Backend and interpolation that a graph can hold."""

_ONE = 2.0**11
"""1 as a weight of OpenCV's bilinear interpolation."""

_Wanted = tuple[tuple[Tensor, int], tuple[Tensor, int]]
"""Of the rows and of the columns: which are wanted, and how many there are."""


def resize(images: Tensor, step: Resize, rows: Tensor, columns: Tensor) -> Tensor:
    """Computes pixels of the images that the step would give.

    Bit-equal, but for OpenCV's ``'area'`` when it reduces by no whole number: it sums
    in float32, so that a pixel near the middle between two levels may get the other.

    Args:
        images: (B, C, H, W), whole numbers 0 to 255 in float64.
        step: Size and method, one of ``SUPPORTED``.
        rows: Which rows of the resized images are wanted, (h,) in float64.
        columns: Which columns, (w,).

    Returns:
        (B, C, h, w), the same kind of numbers.
    """
    wanted = (rows, step.height), (columns, step.width)
    if step.backend == 'pillow':
        return _pillow(images, wanted, step.rows_may_go_first)
    return (_area if step.interpolation == 'area' else _bilinear)(images, wanted)


def _places(length: int) -> Tensor:
    return torch.arange(length).double()


def _length(images: Tensor, axis: int) -> Tensor:
    """Length of an axis as a number that a graph computes, (1,).

    Of no axes it would be float32 in graphs of PyTorch before 2.6.
    """
    return _places(images.shape[axis])[-1:] + 1


def _pillow(images: Tensor, wanted: _Wanted, rows_may_go_first: bool) -> Tensor:
    (_, height), (_, width) = wanted
    rows = _pillow_weights(images, 2, *wanted[0])
    columns = _pillow_weights(images, 3, *wanted[1])
    columns_first = _round_fixed(rows @ _round_fixed(images @ columns))
    if not rows_may_go_first:
        return columns_first
    rows_first = _round_fixed(_round_fixed(rows @ images) @ columns)
    less_rows = _length(images, 2) - height
    less_columns = _length(images, 3) - width
    choose = less_rows > (2 * less_columns).clamp(min=0)
    return torch.where(choose, rows_first, columns_first)


def _pillow_weights(images: Tensor, axis: int, places: Tensor, size: int) -> Tensor:
    """Weight of each pixel of an axis in each of the result.

    Returns:
        (places, length) of rows, (length, places) of columns: as they are multiplied,
        for old releases of onnxruntime fail on a transposed factor in float64.
    """
    scale = _length(images, axis) / size
    stretch = scale.clamp(min=1)
    centres = ((places + 0.5) * scale).unsqueeze(3 - axis)
    pixels = _places(images.shape[axis]).unsqueeze(axis - 2)
    distances = (pixels + 0.5 - centres) * (1 / stretch)
    weights = (1 - distances.abs()).clamp(min=0)
    weights = weights / weights.sum(dim=3 - axis, keepdim=True)
    return torch.floor(weights * 2.0**FRACTION_BITS + 0.5)


def _round_fixed(sums: Tensor) -> Tensor:
    return torch.floor(sums / 2.0**FRACTION_BITS + 0.5).clamp(0, 255)


def _growth(images: Tensor, axis: int, size: int) -> Tensor:
    # a number over a tensor would be its reciprocal times the number: another rounding
    return torch.tensor(size, dtype=torch.float64) / _length(images, axis)


def _bilinear(images: Tensor, wanted: _Wanted) -> Tensor:
    taps = []
    for axis, (places, size) in enumerate(wanted, 2):
        scale = 1 / _growth(images, axis, size)
        source = ((places + 0.5) * scale - 0.5).float()
        first = source.floor()
        taps.append((first, source - first))
    return _interpolate(images, *taps)


def _area(images: Tensor, wanted: _Wanted) -> Tensor:
    """OpenCV averages areas if neither axis grows, and else interpolates."""
    weights, taps, shrinks, halves = [], [], [], []
    for axis, (places, size) in enumerate(wanted, 2):
        growth = _growth(images, axis, size)
        scale = 1 / growth  # as OpenCV computes it, not length / size
        weights.append(_overlaps(images, axis, places, scale))
        first = torch.floor(places * scale)
        part = (places + 1 - (first + 1) * growth).float()
        taps.append((first, torch.where(part <= 0, 0, part - part.floor())))
        shrinks.append(_length(images, axis) >= size)
        halves.append(_length(images, axis) == 2 * size)
    means = weights[0] @ images @ weights[1]
    # a half rounds to the even level, but upwards where four pixels become one
    up = torch.floor(means + 0.5)
    averaged = torch.where(halves[0] & halves[1], up, torch.round(means)).clamp(0, 255)
    interpolated = _interpolate(images, *taps)
    return torch.where(shrinks[0] & shrinks[1], averaged, interpolated)


def _overlaps(images: Tensor, axis: int, places: Tensor, scale: Tensor) -> Tensor:
    """Share of each pixel of an axis in each of the result; see above for the shape."""
    left = _places(images.shape[axis]).unsqueeze(axis - 2)
    start = (places * scale).unsqueeze(3 - axis)
    end = ((places + 1) * scale).unsqueeze(3 - axis)
    overlap = torch.minimum(end, left + 1) - torch.maximum(start, left)
    overlap = torch.where(overlap < 1e-3, 0, overlap)  # OpenCV leaves slivers out
    return overlap / scale


def _interpolate(
    images: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor]
) -> Tensor:
    """OpenCV's fixed-point interpolation between neighbours.

    Args:
        images: (B, C, H, W).
        rows: First neighbour of each row of the result and, in float32, the weight of
            the next one, (height,) each.
        columns: Likewise, (width,) each.
    """
    last = _length(images, 3) - 1
    first, part = columns
    # beyond the edge a column has one neighbour, a row the edge twice
    part = torch.where((first < 0) | (first >= last), 0, part)
    near, far = _neighbours(images, 3, first)
    weight, rest = _fixed(part), _fixed(1 - part)
    sums = near * rest + far * weight
    first, part = rows
    near, far = _neighbours(torch.floor(sums / 16), 2, first)
    weight, rest = _fixed(part)[:, None], _fixed(1 - part)[:, None]
    near = torch.floor(near * rest / 2.0**16)
    far = torch.floor(far * weight / 2.0**16)
    return torch.floor((near + far + 2) / 4)


def _neighbours(images: Tensor, axis: int, first: Tensor) -> tuple[Tensor, Tensor]:
    last = _length(images, axis) - 1
    places = [torch.minimum((first + i).clamp(min=0).double(), last) for i in (0, 1)]
    near, far = (images.index_select(axis, place.long()) for place in places)
    return near, far


def _fixed(weight: Tensor) -> Tensor:
    return torch.round(weight * _ONE).double()
