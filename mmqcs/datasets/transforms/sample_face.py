"""Resizing, rotation, cropping, flipping and subsampling in one step.

The published recipes resize to 224 or more, and the network takes every second pixel.
This module computes only these pixels: by Pillow, whose bilinear filter torchvision's
``Resize`` uses, or by OpenCV with the same filter.
"""

import math
import random
from typing import NamedTuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image

from mmqcs.registry import TRANSFORMS


class View(NamedTuple):
    """Position of the resulting pixels in the resized square image."""

    size: int  # side of the resized image
    left: int  # corner of the crop
    top: int
    crop: int  # side of the crop, a multiple of the step
    step: int = 1  # distance between the pixels that are taken
    flip: bool = False  # horizontally, before pixels are taken
    angle: float = 0.0  # of the resized image, in degrees counter-clockwise


@TRANSFORMS.register_module()
class SampleFace(BaseTransform):
    """Resizes to a square, rotates, crops, flips and takes every k-th pixel at once.

    Equivalent to torchvision's ``Resize``, ``RandomRotation``, ``RandomCrop`` (or
    ``CenterCrop``) and ``RandomHorizontalFlip`` on a Pillow image, followed by taking
    every k-th pixel, but without computing the other pixels. Without random operations
    the result is bit-equal. With them, some pixels differ by one or two levels of 255,
    and by a few more at hard edges with OpenCV 4, which rounds positions to 1/32 pixel.

    **Required Key:** ``img``, (H, W, 3) uint8. **Modified Keys:** ``img``,
    ``img_shape``. **Added Keys:** ``flip``, ``flip_direction``.

    Args:
        resize: Side of the resized image.
        crop: Side of the crop. Defaults to ``resize``.
        step: k. The published networks take every second pixel of 224.
        random_crop: Whether the position of the crop is random instead of the centre.
        rotate: The angle is uniform between −rotate and +rotate degrees.
        flip: Probability of a horizontal flip.

    Raises:
        ValueError: The crop exceeds the resized image or is not a multiple of the step.
            In use: the image is not uint8 with three channels.

    Examples:
        >>> image = np.zeros((100, 100, 3), np.uint8)
        >>> SampleFace(resize=236, crop=224, step=2)({'img': image})['img'].shape
        (112, 112, 3)
    """

    def __init__(
        self,
        resize: int,
        crop: int | None = None,
        step: int = 1,
        random_crop: bool = False,
        rotate: float = 0.0,
        flip: float = 0.0,
    ) -> None:
        crop = crop or resize
        if crop > resize or step < 1 or crop % step:
            raise ValueError(
                f'crop must be ≤ resize and a multiple of step, got resize={resize}, '
                f'crop={crop}, step={step}'
            )
        if not 0 <= flip <= 1 or rotate < 0:
            raise ValueError(
                f'flip must be a probability and rotate ≥ 0, got {flip} and {rotate}'
            )
        self.resize = resize
        self.crop = crop
        self.step = step
        self.random_crop = random_crop
        self.rotate = rotate
        self.flip = flip

    @property
    def is_random(self) -> bool:
        """Whether any operation is random."""
        return bool(self.random_crop or self.rotate or self.flip)

    def view(self) -> View:
        """Draw the parameters from Python's global generator."""
        room = self.resize - self.crop
        left = top = round(room / 2)
        angle = random.uniform(-self.rotate, self.rotate) if self.rotate else 0.0
        if self.random_crop and room:
            top, left = random.randint(0, room), random.randint(0, room)
        flip = bool(self.flip) and random.random() < self.flip
        return View(self.resize, left, top, self.crop, self.step, flip, angle)

    def transform(self, results: dict) -> dict:
        """Sample the image."""
        image = results['img']
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f'SampleFace needs an image of shape (H, W, 3) and type uint8, got '
                f'{image.shape} and {image.dtype}'
            )
        view = self.view()
        results['img'] = sample_view(image, view, exact=not self.is_random)
        results['img_shape'] = results['img'].shape[:2]
        results['flip'] = view.flip
        results['flip_direction'] = 'horizontal' if view.flip else None
        return results

    def __repr__(self) -> str:
        values = ', '.join(f'{name}={value}' for name, value in vars(self).items())
        return f'{type(self).__name__}({values})'


def sample_view(image: np.ndarray, view: View, exact: bool = True) -> np.ndarray:
    """Compute the pixels of a view of an image, (H, W, 3) uint8, channels in any order.

    If ``exact``, the result is bit-equal to resizing the whole image with Pillow. Else
    some pixels may differ by one level, in a fraction of the time. Rotation takes the
    nearest pixel, black outside; on the border between two pixels, it may take either.
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
    x = [scale_x * step, 0, scale_x * (start + 0.5) - 0.5]
    y = [0, scale_y * view.step, scale_y * (view.top + 0.5) - 0.5]
    matrix = np.array([x, y])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    return cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=border)


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
    kind, nearest = Image.Transform.AFFINE, Image.Resampling.NEAREST
    return np.asarray(resized.transform((side, side), kind, matrix, nearest))
