"""Random rotation, scale, shift and flip in one interpolation."""

import math
import random

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmqcs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class WarpFace(BaseTransform):
    """Rotates, scales, shifts and mirrors an image about its centre.

    The size of the image stays. All steps are a single bilinear interpolation, which
    keeps small images sharper than one interpolation per step and costs about 30 µs
    for 48 × 48 pixels. Outside the image, its border is repeated.

    **Required Key:** ``img``. **Modified Key:** ``img``.

    Args:
        rotate: Largest angle in degrees; uniform in [−rotate, rotate].
        scale: Smallest and largest magnification, uniform in the logarithm.
        shift: Largest shift in x and in y, as a fraction of the image's width and
            height; uniform in [−shift, shift].
        flip: Probability of mirroring left to right.

    Raises:
        ValueError: An argument is out of range.

    Examples:
        >>> warp = WarpFace(rotate=10, scale=(0.8, 1.25), shift=0.1, flip=0.5)
        >>> warp({'img': np.zeros((48, 48, 3), np.uint8)})['img'].shape
        (48, 48, 3)
    """

    def __init__(
        self,
        rotate: float = 0.0,
        scale: tuple[float, float] = (1.0, 1.0),
        shift: float = 0.0,
        flip: float = 0.0,
    ) -> None:
        if rotate < 0 or shift < 0 or not 0 <= flip <= 1:
            raise ValueError(
                f'rotate and shift must be ≥ 0 and flip a probability, got '
                f'rotate={rotate}, shift={shift}, flip={flip}'
            )
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f'scale must be an ascending range > 0, got {scale}')
        self.rotate = rotate
        self.scale = scale
        self.shift = shift
        self.flip = flip

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Draw an affine map (2, 3) from Python's global generator.

        It maps pixels (x, y) of the result to those of the image.
        """
        angle = math.radians(random.uniform(-self.rotate, self.rotate))
        low, high = self.scale
        factor = low * (high / low) ** random.random()
        shift = [random.uniform(-self.shift, self.shift) * n for n in (width, height)]
        mirror = -1 if random.random() < self.flip else 1
        cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
        linear = np.array([[mirror * cos, mirror * sin], [-sin, cos]])
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        offset = centre - linear @ (centre + shift)
        return np.column_stack((linear, offset))

    def transform(self, results: dict) -> dict:
        """Warp the image, (H, W) or (H, W, C)."""
        height, width = results['img'].shape[:2]
        results['img'] = cv2.warpAffine(
            results['img'],
            self.matrix(height, width),
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return results

    def __repr__(self) -> str:
        values = ', '.join(f'{name}={value}' for name, value in vars(self).items())
        return f'{type(self).__name__}({values})'
