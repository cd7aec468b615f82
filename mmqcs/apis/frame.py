"""A frame: one image of an input."""

from dataclasses import dataclass

import numpy as np

__all__ = ['Frame']


@dataclass(frozen=True)
class Frame:
    """One image, or the error that occurred when reading it.

    Args:
        source: Path, ``'camera N'``, or type and index of an input, such as
            ``'array 3'``.
        image: BGR, uint8 (H, W, 3), or None.
        index: Index of the frame in a video, an animation or a file of several pages;
            None for a single image.
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
