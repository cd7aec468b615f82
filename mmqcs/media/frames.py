"""Reads frames from all inputs: images, animations, videos, cameras, objects."""

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from PIL import Image

from .cameras import camera_frames
from .files import MAX_BYTES, ImageError
from .inputs import Input
from .read_image import (
    MAX_PIXELS,
    Frame,
    as_bgr,
    check_size,
    decode,
    open_image,
    quiet,
    translate_errors,
)
from .videos import MAX_FRAME_PIXELS, is_video, is_video_head, video_frames, video_info

_SEQUENCES = ('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP')
"""Formats whose frames are all read. In other formats, such as MPO and HEIC, further
images are previews or depth maps of the first."""


def frames(item: Input | Frame, number: int = 0, every: int = 1) -> Iterator[Frame]:
    """Read the frames of one input that is not a folder.

    Whether a file is an image or a video is decided by its content, not its name. If an
    input cannot be read, the last frame has an ``error``. ``number`` is the index among
    the inputs; of videos and animations, every ``every``-th frame is read.
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

    It is 1 if the input cannot be read, and None if unknown.
    """
    if isinstance(item, int):
        return None
    if not isinstance(item, (str, Path)):
        return 1
    try:
        if is_video(item):
            count = video_info(item).count
        else:
            with open_image(item, str(item)) as image:
                count = _count(image)
    except (ImageError, FileNotFoundError):
        return 1
    return None if count is None else -(-count // every)


def _source(item: Input, number: int) -> str:
    if isinstance(item, (str, Path)):
        return str(item)
    if isinstance(item, int):
        return f'camera {item}'
    kinds = {np.ndarray: 'array', bytes: 'bytes', Image.Image: 'image'}
    kind = next((name for k, name in kinds.items() if isinstance(item, k)), 'file')
    return f'{kind} {number}'


def _frames(item: Input, source: str, every: int) -> Iterator[Frame]:
    if isinstance(item, int):
        yield from camera_frames(item, source, every)
    elif isinstance(item, np.ndarray):
        yield Frame(source, as_bgr(item, source))
    elif isinstance(item, Image.Image):
        with translate_errors(source):
            yield from _opened_frames(item, source, every)
    elif isinstance(item, (str, Path)):
        read = video_frames if is_video(item) else _image_frames
        yield from read(item, source, every)
    else:
        content = item if isinstance(item, bytes) else _read(item, source)
        if is_video_head(content):
            raise ImageError(f'{source} is a video: give the path of its file instead')
        yield from _image_frames(io.BytesIO(content), source, every)


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


def _count(image: Image.Image) -> int:
    """Return the number of frames to read from an image."""
    with quiet():
        return getattr(image, 'n_frames', 1) if image.format in _SEQUENCES else 1


def _image_frames(
    path: str | Path | BinaryIO, source: str, every: int
) -> Iterator[Frame]:
    """Read the image of a file, or all of its frames or pages."""
    with open_image(path, source) as image:
        whole = image.format != 'GIF' or image.fp is None or _has_end(image.fp)
        single = []
        if _count(image) > 1:
            yield from _opened_frames(image, source, every)
        else:
            single = [decode(image, source)]
    while single:  # after the copy of Pillow is freed
        yield Frame(source, single.pop())
    if not whole:
        raise ImageError(f'{source} is damaged: it is truncated')


def _opened_frames(image: Image.Image, source: str, every: int) -> Iterator[Frame]:
    """Read the frames of an image that Pillow opened."""
    count = _count(image)
    if count == 1:
        yield Frame(source, decode(image, source))
        return
    pages = image.format == 'TIFF'  # pages are read one by one and have no time
    most = MAX_PIXELS if pages else MAX_FRAME_PIXELS
    milliseconds, rate = 0.0, None
    for index in range(count):
        try:
            with quiet():
                image.seek(index)
                check_size(source, *image.size, most)
                image.load()
        except EOFError:
            reason = f'it ends after {index} of {count} frames'
            raise ImageError(f'{source} is damaged: {reason}') from None
        shown = image.info.get('duration', 0)
        shown = float(shown) if shown > 10 else 100.0  # as browsers do
        rate = rate or 1000 / shown
        if index % every == 0:
            shown_at = (None, None) if pages else (milliseconds / 1000, rate)
            yield Frame(source, decode(image, source, most), index, *shown_at)
        milliseconds += shown


def _has_end(file: IO[bytes]) -> bool:
    """Return whether a GIF ends with its trailer; Pillow does not tell."""
    position = file.tell()
    file.seek(-min(1024, file.seek(0, os.SEEK_END)), os.SEEK_END)
    tail = file.read().rstrip(b'\0\r\n ')
    file.seek(position)
    return tail.endswith(b';')
