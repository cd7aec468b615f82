"""A single image on its way to the detector."""

from dataclasses import dataclass

import numpy as np

__all__ = ['Frame']


@dataclass(frozen=True)
class Frame:
    """One image, or the reason why there is none.

    Args:
        source: Origin: a path, ``'camera N'``, or the kind of object that was given
            and its number in the list of inputs, such as ``'array 3'``.
        image: BGR, uint8 (H, W, 3), or None.
        index: Number of the frame in a video, an animation or a file of several
            pages, from 0; None for a single image.
        time: Seconds from the start of the video, or None.
        rate: Frames per second of the video, or None.
        error: Why the image cannot be read, or None.
    """

    source: str
    image: np.ndarray | None = None
    index: int | None = None
    time: float | None = None
    rate: float | None = None
    error: Exception | None = None
