"""Resizing, rotation, cropping, flipping and subsampling in one step.

The published recipes resize to 224 or more, and the network takes every second pixel.
This module computes only these pixels: by Pillow, whose bilinear filter torchvision's
``Resize`` uses, or by OpenCV with the same filter.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image


class View(NamedTuple):
    """Position of the resulting pixels in the resized square image.

    Attributes:
        size: Side of the resized image.
        left, top: Corner of the crop.
        crop: Side of the crop, a multiple of ``step``.
        step: Distance between the pixels that are taken.
        flip: Whether the crop is flipped horizontally before pixels are taken.
        angle: Rotation of the resized image before cropping, in degrees
            counter-clockwise; nearest neighbour, black outside.
    """

    size: int
    left: int
    top: int
    crop: int
    step: int = 1
    flip: bool = False
    angle: float = 0.0


def sample_view(image: np.ndarray, view: View, exact: bool = True) -> np.ndarray:
    """Compute the pixels of a view.

    Args:
        image: (H, W, 3) uint8, channels in any order.
        view: Pixels to compute.
        exact: Whether the result must be bit-equal to resizing the whole image with
            Pillow. If False, some pixels differ by one level, in a fraction of the
            time.

    Returns:
        (crop / step, crop / step, 3) uint8. If the source of a rotated pixel is on the
        border between two pixels, the other one may be taken.
    """
    if view.angle:
        return _rotated(image, view)
    coarsest = max(image.shape[0], image.shape[1]) / view.size
    if not exact and coarsest * view.step <= 1:
        return _sparse(image, view)
    # Flipping first keeps the wanted columns at multiples of the step.
    left = view.left
    if view.flip:
        image = cv2.flip(image, 1)
        left = view.size - view.left - view.crop
    rows = slice(view.top, view.top + view.crop, view.step)
    columns = slice(left, left + view.crop, view.step)
    return np.ascontiguousarray(_resize(image, view.size)[rows, columns])


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[:2] == (size, size):
        return image
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _sparse(image: np.ndarray, view: View) -> np.ndarray:
    # As long as neither the dense nor the sparse grid is coarser than the image,
    # Pillow's filter is linear interpolation with a repeated border.
    side = view.crop // view.step
    step = -view.step if view.flip else view.step
    start = view.left + (view.crop - 1 if view.flip else 0)
    scale_x, scale_y = image.shape[1] / view.size, image.shape[0] / view.size
    matrix = np.array(
        [
            [scale_x * step, 0, scale_x * (start + 0.5) - 0.5],
            [0, scale_y * view.step, scale_y * (view.top + 0.5) - 0.5],
        ]
    )
    return cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _rotated(image: np.ndarray, view: View) -> np.ndarray:
    resized = Image.fromarray(_resize(image, view.size))
    radians = math.radians(view.angle)
    cos, sin = math.cos(radians), math.sin(radians)
    centre = view.size / 2
    # The centre of pixel (x, y) of the rotated image maps to the resized image at
    # x' = cos·x − sin·y + c and y' = sin·x + cos·y + f.
    c = centre - cos * centre + sin * centre
    f = centre - sin * centre - cos * centre
    # From the result to the rotated image. Pillow adds the half pixel of the result.
    step_x = -view.step if view.flip else view.step
    x0 = view.left + (view.crop - 1 if view.flip else 0) + (1 - step_x) / 2
    y0 = view.top + (1 - view.step) / 2
    matrix = (
        cos * step_x,
        -sin * view.step,
        cos * x0 - sin * y0 + c,
        sin * step_x,
        cos * view.step,
        sin * x0 + cos * y0 + f,
    )
    side = view.crop // view.step
    return np.asarray(
        resized.transform(
            (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST
        )
    )
