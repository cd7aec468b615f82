"""From what a user gives to single pictures: files, folders, videos, cameras."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageSequence

from .read_image import as_bgr, open_picture, pillow_to_bgr, read_image

__all__ = [
    'IMAGE_SUFFIXES',
    'VIDEO_SUFFIXES',
    'Frame',
    'Input',
    'VideoInfo',
    'ends_early',
    'expand',
    'frames',
    'is_video',
    'video_info',
]

Input = str | Path | bytes | np.ndarray | int
"""A picture, video or folder by path; an encoded picture; BGR pixels; a camera."""

_IMAGES = 'avif bmp gif jfif jpe jpeg jpg pgm png ppm tif tiff webp'
_VIDEOS = 'avi m4v mkv mov mp4 mpeg mpg ogv ts webm wmv'
IMAGE_SUFFIXES = frozenset(f'.{name}' for name in _IMAGES.split(' '))
VIDEO_SUFFIXES = frozenset(f'.{name}' for name in _VIDEOS.split(' '))


@dataclass(frozen=True)
class Frame:
    """One picture, or the reason why there is none.

    Args:
        source: Where it is from: a path, ``'array'``, ``'bytes'`` or ``'camera N'``,
            the two in the middle with their number in the list of inputs.
        image: BGR, uint8 (H, W, 3), or None.
        index: Number of the frame in a video, from 0; None for a single picture.
        time: Seconds from the start of the video, or None.
        error: What was wrong, or None.
    """

    source: str
    image: np.ndarray | None = None
    index: int | None = None
    time: float | None = None
    error: Exception | None = None


def expand(inputs: Input | Iterable[Input]) -> list[Input]:
    """Lists the inputs, with what lies in folders in place of these.

    Args:
        inputs: One input or several. Of a folder all pictures and videos are taken, by
            their endings, in subfolders, too, in the order of their names.

    Raises:
        FileNotFoundError: A folder holds neither pictures nor videos.
        TypeError: An input is none of the known kinds.
    """
    if isinstance(inputs, (str, Path, bytes, np.ndarray, int)):
        inputs = [inputs]
    found: list[Input] = []
    for item in inputs:
        if not isinstance(item, (str, Path, bytes, np.ndarray, int)):
            raise TypeError(
                f'an input is a path, the bytes of a picture, a BGR array, the number '
                f'of a camera, or a list of these; got {type(item).__name__}'
            )
        if isinstance(item, (str, Path)) and Path(item).is_dir():
            files = sorted(
                path
                for path in Path(item).rglob('*')
                if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
            )
            if not files:
                raise FileNotFoundError(f'no pictures and no videos in folder {item}')
            found += files
        else:
            found.append(item)
    return found


def frames(item: Input, number: int = 0, every: int = 1) -> Iterator[Frame]:
    """The pictures of one input.

    What cannot be read gives a frame with ``error``: a single picture just this one,
    a video none before it or those that could be read.

    Args:
        item: An input; no folder.
        number: Its number among the inputs.
        every: Of a video each ``every``-th frame is taken.
    """
    if isinstance(item, int):
        yield from _video(item, f'camera {item}', every)
        return
    if isinstance(item, (str, Path)):
        if is_video(item):
            yield from (_animation if _is_animated(item) else _video)(
                item, str(item), every
            )
            return
        source = str(item)
    else:
        source = f'{"bytes" if isinstance(item, bytes) else "array"} {number}'
    try:
        image = as_bgr(item) if isinstance(item, np.ndarray) else read_image(item)
    except (OSError, ValueError, MemoryError) as error:
        yield Frame(source, error=error)
    else:
        yield Frame(source, image)


def is_video(item: Input) -> bool:
    """Whether an input has several frames: cameras, videos, animated pictures."""
    if isinstance(item, int):
        return True
    if not isinstance(item, (str, Path)):
        return False
    return Path(item).suffix.lower() in VIDEO_SUFFIXES or _is_animated(item)


def _is_animated(path: str | Path) -> bool:
    """Whether a file is a GIF, PNG or WebP of several frames."""
    if Path(path).suffix.lower() not in ('.gif', '.png', '.webp'):
        return False
    try:
        with open_picture(path) as picture:
            return getattr(picture, 'n_frames', 1) > 1
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False  # reading it as a picture will say what is wrong


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself.

    Args:
        rate: Frames a second; 25 where it does not say.
        count: Number of frames, or None where it does not say.
        length: Seconds, or None where it does not say.
    """

    rate: float
    count: int | None
    length: float | None = None


def video_info(item: str | Path | int) -> VideoInfo:
    """Rate and length of a video or camera, without reading its frames."""
    if not isinstance(item, int) and _is_animated(item):
        with open_picture(item) as picture:
            return VideoInfo(1000 / _milliseconds(picture), picture.n_frames)
    capture = cv2.VideoCapture(item if isinstance(item, int) else str(item))
    try:
        return _info(capture)
    finally:
        capture.release()


def _info(capture: cv2.VideoCapture) -> VideoInfo:
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return VideoInfo(
        rate=rate if 0 < rate < 1000 else 25.0,
        count=count if count > 0 else None,
        length=count / rate if count > 0 and rate > 0 else None,
    )


def _milliseconds(picture: Image.Image) -> float:
    """How long the current frame is shown; browsers take 100 for what is shorter."""
    shown = picture.info.get('duration', 0)
    return float(shown) if shown > 10 else 100.0


def _animation(path: str | Path, source: str, every: int) -> Iterator[Frame]:
    index, milliseconds = -1, 0.0
    try:
        with open_picture(path) as picture:
            for index, shot in enumerate(ImageSequence.Iterator(picture)):
                if index % every == 0:
                    image = as_bgr(pillow_to_bgr(shot))
                    yield Frame(source, image, index, milliseconds / 1000)
                milliseconds += _milliseconds(shot)
    except (OSError, SyntaxError, EOFError, ValueError) as error:
        reason = f'{source} is damaged after frame {index}: {error}'
        yield Frame(source, index=index + 1, error=ValueError(reason))


def _video(item: str | Path | int, source: str, every: int) -> Iterator[Frame]:
    if not isinstance(item, int) and not Path(item).is_file():
        yield Frame(source, error=FileNotFoundError(f'no such file: {item}'))
        return
    if not isinstance(item, int) and Path(item).stat().st_size == 0:
        yield Frame(source, error=ValueError(f'{item} is empty (0 bytes)'))
        return
    capture = cv2.VideoCapture(item if isinstance(item, int) else str(item))
    try:
        if not capture.isOpened():
            what = 'no camera with this number' if isinstance(item, int) else 'no video'
            reason = f'{source} cannot be opened: {what} that OpenCV can read'
            yield Frame(source, error=ValueError(reason))
            return
        index, seconds = -1, 0.0
        while capture.grab():
            index += 1
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if index % every:
                continue
            read, image = capture.retrieve()
            if not read:
                reason = f'frame {index} of {source} is damaged'
                yield Frame(source, index=index, error=ValueError(reason))
                continue
            yield Frame(source, image, index, seconds)
        if index < 0:
            reason = f'{source} is a video without frames'
            yield Frame(source, error=ValueError(reason))
        elif ends_early(info := _info(capture), index + 1, seconds):
            ends = f'it ends after {index + 1} of {info.count} frames'
            reason = f'{source} is damaged: {ends}'
            yield Frame(source, index=index + 1, error=ValueError(reason))
    finally:
        capture.release()


def ends_early(info: VideoInfo, read: int, seconds: float) -> bool:
    """Whether frames are missing at the end of a video.

    Where the rate varies, the number that a file gives can be an estimate, or its last
    frame is shown for long: a video ends early if frames and seconds are missing.

    Args:
        info: What the video says of itself. A camera gives no length.
        read: How many frames it had.
        seconds: When the last of these is shown.
    """
    if info.count is None or info.length is None:
        return False
    whole = 0.98 - 1 / info.count
    end = seconds + info.length / info.count
    return read / info.count < whole and end / info.length < whole
