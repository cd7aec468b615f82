"""Geometry of the published recipes in one transform."""

import random

import numpy as np
from mmcv.transforms import BaseTransform

from mmqcs.registry import TRANSFORMS

from .sampling import View, sample_view


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
        """Sample the image.

        Args:
            results: Data info with ``img``.
        """
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
        return (
            f'{type(self).__name__}(resize={self.resize}, crop={self.crop}, '
            f'step={self.step}, random_crop={self.random_crop}, '
            f'rotate={self.rotate}, flip={self.flip})'
        )
