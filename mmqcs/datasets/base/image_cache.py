"""Cache of decoded images in memory that all workers share."""

import multiprocessing
import os
import sys
from multiprocessing.heap import Arena
from multiprocessing.util import Finalize

import numpy as np

_ENTRY = np.dtype([('start', 'i8'), ('height', 'i4'), ('width', 'i4')])


class ImageCache:
    """Cache of decoded images up to a limit. A full cache does not change.

    All workers of a data loader, forked or spawned, share the memory: each image is
    decoded once. Nothing is left on disk, and memory is allocated only as it fills.

    Args:
        count: Number of images of the dataset.
        limit: Largest total size of the images in bytes.
    """

    def __init__(self, count: int, limit: int) -> None:
        if limit < 1:
            raise ValueError(f'limit must be positive, got {limit}')
        # one more entry, whose start is the number of bytes in use
        self._count = count + 1
        self._memory = _shared_memory(self._count * _ENTRY.itemsize + limit)
        # a lock of the spawn context also works in forked workers, not vice versa
        self._lock = multiprocessing.get_context('spawn').Lock()
        self._map()

    def _map(self) -> None:
        buffer = self._memory.buffer
        self._entries = np.frombuffer(buffer, _ENTRY, self._count)
        self._pixels = np.frombuffer(buffer, np.uint8, offset=self._entries.nbytes)

    def __getstate__(self) -> tuple:
        return self._count, self._memory, self._lock

    def __setstate__(self, state: tuple) -> None:
        self._count, self._memory, self._lock = state
        self._map()

    @property
    def used(self) -> int:
        """Bytes of pixels in the cache."""
        return int(self._entries[-1]['start'])

    def get(self, index: int) -> np.ndarray | None:
        """Return a copy of an image, (H, W, 3) uint8, or None if it is not there."""
        with self._lock:
            start, height, width = self._entries[index].tolist()
        if not height:
            return None
        size = height * width * 3
        return self._pixels[start : start + size].reshape(height, width, 3).copy()

    def put(self, index: int, image: np.ndarray) -> bool:
        """Store an image if there is room, and return whether it is in the cache.

        Arrays that are not (H, W, 3) uint8 are not stored.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            return False
        with self._lock:
            if self._entries[index]['height']:
                return True
            start = self.used
            if start + image.size > len(self._pixels):
                return False
            self._pixels[start : start + image.size] = image.reshape(-1)
            self._entries[index] = (start, *image.shape[:2])
            self._entries[-1]['start'] = start + image.size
        return True


def _shared_memory(size: int) -> Arena:
    """Allocate shared memory that multiprocessing can send to a spawned process."""
    if sys.platform != 'linux':
        return Arena(size)
    # Arena itself uses /dev/shm, which is small in containers; writing past its end
    # kills the process.
    file = os.memfd_create('mmqcs-images')
    os.ftruncate(file, size)
    arena = Arena(size, file)
    Finalize(arena, os.close, (file,))
    return arena
