"""Loads an image from its file or from the data set's cache."""

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio

from mmqcs.registry import TRANSFORMS

from ..text_files import check_regular

_LIMIT = 2**28  # bytes of an image file


def check_image_file(path: str, backend_args: dict | None = None) -> None:
    """Check that an image can be read without blocking or filling the memory.

    Paths of other storage than the local disk, such as ``synthfer://...``, pass.

    Args:
        path: Path of the image.
        backend_args: Arguments of MMEngine's file backend.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is no regular file or has more than 256 MiB.
    """
    backend = fileio.get_file_backend(path, backend_args=backend_args)
    if isinstance(backend, fileio.LocalBackend):
        check_regular(path, _LIMIT)


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

        Raises:
            ValueError: The file is a pipe, a device or too large.
        """
        cache = results.pop('image_cache', None)
        if cache is None:
            return self._read(results)
        image: np.ndarray | None = cache.get(results['sample_idx'])
        if image is not None:
            results['img'] = image
            results['img_shape'] = results['ori_shape'] = image.shape[:2]
            return results
        results = self._read(results)
        if results is not None:
            cache.put(results['sample_idx'], results['img'])
        return results

    def _read(self, results: dict) -> dict | None:
        check_image_file(results['img_path'], self.backend_args)
        return super().transform(results)
