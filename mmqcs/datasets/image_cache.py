"""Decoded images in memory that all workers share."""

import mmap
import multiprocessing
from typing import NoReturn

import numpy as np

_ENTRY = np.dtype([('start', 'i8'), ('height', 'i4'), ('width', 'i4')])


class ImageCache:
    """Keeps decoded images up to a limit; what is full stays as it is.

    The memory is anonymous and shared by forked workers, so what one has decoded
    the others find, and nothing is left behind on disk. It is taken from the
    system only as it fills.

    Args:
        count: Number of images of the data set.
        limit: Bytes of pixels to keep at most.

    Raises:
        ValueError: The limit is not positive.
        TypeError: On pickling: workers that are not forked cannot share it.
    """

    def __init__(self, count: int, limit: int) -> None:
        if limit < 1:
            raise ValueError(f'limit must be positive, got {limit}')
        self._pixels = np.frombuffer(mmap.mmap(-1, limit), np.uint8)
        self._entries = np.frombuffer(
            mmap.mmap(-1, max(count, 1) * _ENTRY.itemsize), _ENTRY
        )
        self._used = multiprocessing.Value('q', 0)

    @property
    def used(self) -> int:
        """Bytes of pixels in the cache."""
        return self._used.value

    def get(self, index: int) -> np.ndarray | None:
        """A copy of an image, (H, W, 3) uint8, or None if it is not there."""
        with self._used:
            start, height, width = self._entries[index].tolist()
        if not height:
            return None
        size = height * width * 3
        return self._pixels[start : start + size].reshape(height, width, 3).copy()

    def put(self, index: int, image: np.ndarray) -> bool:
        """Keeps an image if there is room.

        Args:
            index: Number of the image.
            image: (H, W, 3) uint8; others are not kept.

        Returns:
            Whether the image is in the cache now.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            return False
        with self._used:
            if self._entries[index]['height']:
                return True
            start = self._used.value
            if start + image.size > len(self._pixels):
                return False
            self._pixels[start : start + image.size] = image.reshape(-1)
            self._entries[index] = (start, *image.shape[:2])
            self._used.value += image.size
        return True

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            'the image cache is shared by forked workers only: set '
            "env_cfg.mp_cfg.mp_start_method='fork', or cache_mib=0 in the data set"
        )
