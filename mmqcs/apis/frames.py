"""Reads frames from all inputs: files, videos, cameras, objects."""

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from .animations import count_frames, image_frames, opened_frames
from .files import MAX_BYTES, ImageError, open_file
from .frame import Frame
from .inputs import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Input
from .read_image import as_bgr, open_image, translate_errors
from .videos import HEAD, is_video_head, video_frames, video_info

__all__ = [
    'IMAGE_SUFFIXES',
    'VIDEO_SUFFIXES',
    'Frame',
    'Input',
    'frames',
    'number_of_frames',
]


def frames(item: Input | Frame, number: int = 0, every: int = 1) -> Iterator[Frame]:
    """Read the frames of one input.

    Whether a file is an image or a video is decided by its content, not its name. If an
    input cannot be read, the last frame has an ``error``.

    Args:
        item: Input, but not a folder.
        number: Index among the inputs.
        every: Read every ``every``-th frame of a video or an animation.
    """
    if isinstance(item, Frame):
        yield item
        return
    source, index = _source(item, number), None
    try:
        for frame in _frames(item, source, every):
            yield frame
            index = frame.index
            del frame  # to free it while the next one is read
    except (ImageError, FileNotFoundError) as error:
        # only files with several frames fail after the first
        yield Frame(source, index=None if index is None else index + 1, error=error)


def number_of_frames(item: Input | Frame, every: int = 1) -> int | None:
    """Return the number of frames that an input states, without reading them.

    Args:
        item: Input, but not a folder.
        every: Count every ``every``-th frame of a video or an animation.

    Returns:
        Number of frames, 1 if the input cannot be read, or None if unknown.
    """
    if isinstance(item, int):
        return None
    if not isinstance(item, (str, Path)):
        return 1
    try:
        if _is_video(item):
            count = video_info(item).count
        else:
            with open_image(item, str(item)) as image:
                count = count_frames(image)
    except (ImageError, FileNotFoundError):
        return 1
    return None if count is None else -(-count // every)


def _source(item: Input, number: int) -> str:
    if isinstance(item, (str, Path)):
        return str(item)
    if isinstance(item, int):
        return f'camera {item}'
    kind = {np.ndarray: 'array', bytes: 'bytes'}.get(type(item))
    if kind is None:
        kind = 'image' if isinstance(item, Image.Image) else 'file'
    return f'{kind} {number}'


def _frames(item: Input, source: str, every: int) -> Iterator[Frame]:
    if isinstance(item, int):
        yield from video_frames(item, source, every)
    elif isinstance(item, np.ndarray):
        yield Frame(source, as_bgr(item, source))
    elif isinstance(item, Image.Image):
        with translate_errors(source):
            yield from opened_frames(item, source, every)
    elif isinstance(item, (str, Path)):
        read = video_frames if _is_video(item) else image_frames
        yield from read(item, source, every)
    else:
        content = item if isinstance(item, bytes) else _read(item, source)
        if is_video_head(content[:HEAD]):
            raise ImageError(f'{source} is a video: give the path of its file instead')
        yield from image_frames(io.BytesIO(content), source, every)


def _is_video(path: str | Path) -> bool:
    with open_file(path) as file:
        return is_video_head(file.read(HEAD))


def _read(file: BinaryIO, source: str) -> bytes:
    """Read the content of a file object, from its start if it is seekable."""
    with translate_errors(source):
        with suppress(AttributeError, OSError):
            file.seek(0)
        content: Any = file.read(MAX_BYTES + 1)
    if not isinstance(content, bytes):
        raise ImageError(
            f'{source} gives {type(content).__name__}, not bytes: open it in mode "rb"'
        )
    return content
