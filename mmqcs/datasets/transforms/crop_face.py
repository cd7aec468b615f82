"""Crop to the face box."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmqcs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropFace(BaseTransform):
    """Crops an image to its face box. Use it right after loading.

    Images without a box (``bbox``) stay whole, for example those of datasets with
    cropped faces.

    **Required Key:** ``img``. **Optional Key:** ``bbox`` (x, y, width, height) in
    pixels from the upper left corner; may extend beyond the image.

    **Modified Keys:** ``img``, ``img_shape``. **Removed Key:** ``bbox``.

    Args:
        margin: Size added to the box on each side, as a fraction of its width and
            height. The result is clipped to the image. Defaults to 0.

    Raises:
        ValueError: The margin is negative. In use: the box is empty or outside the
            image.

    Examples:
        >>> pipeline = [
        ...     dict(type='LoadImageFromFile'),
        ...     dict(type='mmqcs.CropFace', margin=0.1),
        ...     dict(type='Resize', scale=(224, 224)),
        ...     dict(type='PackInputs'),
        ... ]
        >>> image = np.zeros((100, 200, 3), np.uint8)
        >>> info = {'img': image, 'bbox': (50, 20, 40, 40)}
        >>> CropFace(margin=0.1)(info)['img'].shape
        (48, 48, 3)
    """

    def __init__(self, margin: float = 0.0) -> None:
        if not margin >= 0:
            raise ValueError(f'margin must be ≥ 0, got {margin}')
        self.margin = margin

    def transform(self, results: dict) -> dict:
        """Crop the image, (H, W) or (H, W, C)."""
        box = results.pop('bbox', None)
        if box is None:
            return results
        image = results['img']
        height, width = image.shape[:2]
        x, y, w, h = box
        if not (w > 0 and h > 0 and x < width and y < height and x + w > 0 < y + h):
            raise ValueError(
                f'the face box x={x}, y={y}, width={w}, height={h} is empty or '
                f'outside the image of {width} x {height} pixels'
            )
        corners = np.array([x, y, x + w - 1, y + h - 1], dtype=np.float64)
        crop = mmcv.imcrop(image, corners, scale=1 + 2 * self.margin)
        results['img'] = np.ascontiguousarray(crop)
        results['img_shape'] = crop.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(margin={self.margin})'


def with_face_crop(pipeline: Sequence[Mapping]) -> list[Mapping]:
    """Return a copy of a pipeline's config that crops to the face box after loading.

    The step has no effect on images without a box, so a pipeline for cropped faces also
    takes datasets with boxes.

    Args:
        pipeline: Configs of the transforms; the first one loads the image.

    Examples:
        >>> [step['type'] for step in with_face_crop([dict(type='LoadImageFromFile')])]
        ['LoadImageFromFile', 'mmqcs.CropFace']
    """
    load, *rest = deepcopy(list(pipeline))
    if not any(step['type'] == 'mmqcs.CropFace' for step in rest):
        rest.insert(0, {'type': 'mmqcs.CropFace'})
    return [load, *rest]
