"""Resize, rotate, crop, flip and take every k-th pixel, at the cost of the result.

The published recipes resize to 224 and more, and the network then takes every
second pixel. Here only the pixels that it takes are computed: by Pillow, whose
bilinear filter torchvision's ``Resize`` uses, or by OpenCV with the same filter.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image


class View(NamedTuple):
    """Which pixels of the resized square image make up the result.

    Attributes:
        size: Side of the resized image.
        left, top: Corner of the crop.
        crop: Side of the crop, a multiple of ``step``.
        step: Every how many pixels one is taken.
        flip: Whether the crop is mirrored left to right before pixels are taken.
        angle: Rotation of the resized image before the crop, in degrees
            counter-clockwise, nearest neighbour, black outside.
    """

    size: int
    left: int
    top: int
    crop: int
    step: int = 1
    flip: bool = False
    angle: float = 0.0


def sample_view(image: np.ndarray, view: View, exact: bool = True) -> np.ndarray:
    """Computes the pixels of a view.

    Args:
        image: (H, W, 3) uint8, channels in any order.
        view: What to take.
        exact: Whether the result must be bit-equal to Pillow's resizing of the
            whole image. Otherwise some pixels differ by a level, and it takes a
            fraction of the time.

    Returns:
        (crop / step, crop / step, 3) uint8. Rotated pixels whose source lies on the
        border between two may come from the other one.
    """
    if view.angle:
        return _rotated(image, view)
    coarsest = max(image.shape[0], image.shape[1]) / view.size
    if not exact and coarsest * view.step <= 1:
        return _sparse(image, view)
    # Mirroring first and last leaves the columns that are wanted at even places.
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
    # While neither the dense nor the sparse grid is coarser than the image, Pillow's
    # filter is linear interpolation with the border repeated, at any place.
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
    # From the centre of pixel (x, y) of the rotated image to the resized one:
    # x' = cos·x − sin·y + c and y' = sin·x + cos·y + f.
    c = centre - cos * centre + sin * centre
    f = centre - sin * centre - cos * centre
    # From the result to the rotated image; Pillow adds the half pixel of the result.
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
