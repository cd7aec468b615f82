"""Loads an image from its file or from the data set's cache."""

import numpy as np
from mmcv.transforms import LoadImageFromFile

from mmqcs.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile``, with the cache of a data set where it has one.

    Decodes by OpenCV, and so by libjpeg-turbo, by default.

    **Required Key:** ``img_path``. **Used Keys:** ``image_cache``, ``sample_idx``.
    **Added Keys:** ``img``, ``img_shape``, ``ori_shape``. **Removed Key:**
    ``image_cache``.

    Args:
        **kwargs: Arguments of mmcv's ``LoadImageFromFile``.

    Examples:
        >>> from mmqcs.datasets import RAFDB
        >>> data = RAFDB(
        ...     'data/raf-db', pipeline=[dict(type='mmqcs.LoadImage')], cache_mib=4
        ... )
        >>> data[0]['img'].shape  # read from its file, and kept
        (100, 100, 3)
        >>> data[0]['img'].shape  # out of the cache
        (100, 100, 3)
    """

    def transform(self, results: dict) -> dict | None:
        """Loads the image.

        Args:
            results: Data info.
        """
        cache = results.pop('image_cache', None)
        if cache is None:
            return super().transform(results)
        image: np.ndarray | None = cache.get(results['sample_idx'])
        if image is not None:
            results['img'] = image
            results['img_shape'] = results['ori_shape'] = image.shape[:2]
            return results
        results = super().transform(results)
        if results is not None:
            cache.put(results['sample_idx'], results['img'])
        return results
