"""Resize, rotate, crop, flip and take every k-th pixel, at the cost of the result.

The published recipes resize to 224 and more, and the network then takes every
second pixel. Here only the pixels that it takes are computed, by Pillow, whose
bilinear filter torchvision's ``Resize`` uses.
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
            whole image. Otherwise some pixels differ by a level or two, and it
            takes a third of the time.

    Returns:
        (crop / step, crop / step, 3) uint8. Rotated pixels whose source lies on the
        border between two may come from the other one.
    """
    if view.angle:
        return _rotated(image, view)
    # Mirroring first and last leaves the columns that are wanted at even places.
    left = view.left
    if view.flip:
        image = cv2.flip(image, 1)
        left = view.size - view.left - view.crop
    scales = image.shape[1] / view.size, image.shape[0] / view.size
    if not exact and max(scales) * view.step <= 1:
        return _sparse(image, view, (left, view.top), scales)
    rows = slice(view.top, view.top + view.crop, view.step)
    columns = slice(left, left + view.crop, view.step)
    return np.ascontiguousarray(_resize(image, view.size)[rows, columns])


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[:2] == (size, size):
        return image
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _sparse(
    image: np.ndarray,
    view: View,
    corner: tuple[int, int],
    scales: tuple[float, float],
) -> np.ndarray:
    # While neither the dense nor the sparse grid is coarser than the image, the
    # filter is the same for both, and a box shifted by a fraction of a pixel puts
    # the sparse grid's centres where those of the wanted pixels are. Repeating the
    # border is what the filter does there.
    side = view.crop // view.step
    left, top = (
        1 + s * (c + (1 - view.step) / 2) for s, c in zip(scales, corner, strict=True)
    )
    box = left, top, left + scales[0] * view.crop, top + scales[1] * view.crop
    padded = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    picture = Image.fromarray(padded)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box))


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
