"""Reads cameras with OpenCV."""

import time
from collections.abc import Iterator

import cv2

from .files import ImageError
from .read_image import Frame, translate_errors


def camera_frames(number: int, source: str, every: int) -> Iterator[Frame]:
    """Read every ``every``-th frame of a camera that is named ``source``.

    Times are seconds after the first frame, by the clock of the computer: not every
    camera tells them.

    Raises:
        ImageError: There is no such camera, or, after the frames so far, it gives no
            more.
    """
    with translate_errors(source):
        capture = cv2.VideoCapture(number)
        try:
            if not capture.isOpened():
                raise ImageError(
                    f'{source} cannot be opened: no camera with this number'
                )
            rate = capture.get(cv2.CAP_PROP_FPS)
            rate = rate if 0 < rate < 1000 else 25.0
            index, start = 0, None
            while capture.grab():
                now = time.monotonic()
                start = now if start is None else start
                if index % every == 0:
                    read, image = capture.retrieve()
                    if not read:
                        break
                    yield Frame(source, image, index, now - start, rate)
                    del image  # to free it while the next one is read
                index += 1
        finally:
            capture.release()
        raise ImageError(
            f'{source} gives no more images after {index} frames: check that it is '
            f'connected and that no other program uses it'
        )
