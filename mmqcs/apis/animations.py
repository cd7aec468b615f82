"""Reads animations and images of several pages with Pillow."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from .files import ImageError
from .frame import Frame
from .read_image import MAX_PIXELS, check_size, decode, open_image, quiet
from .videos import MAX_FRAME_PIXELS

__all__ = ['count_frames', 'image_frames', 'opened_frames']

_SEQUENCES = ('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP')
"""Formats whose frames are all read. In other formats, such as MPO and HEIC, further
images are previews or depth maps of the first."""


def count_frames(image: Image.Image) -> int:
    """Return the number of frames to read from an image.

    Args:
        image: Image opened by Pillow.
    """
    if image.format not in _SEQUENCES:
        return 1
    with quiet():
        return getattr(image, 'n_frames', 1)


def image_frames(
    path: str | Path | BinaryIO, source: str, every: int
) -> Iterator[Frame]:
    """Read the image of a file, or all of its frames or pages.

    Args:
        path: File.
        source: Name of the file in the frames.
        every: Read every ``every``-th frame.

    Raises:
        FileNotFoundError: There is no such file.
        mmqcs.apis.ImageError: The file cannot be read or is damaged. Readable frames
            are yielded before.
    """
    with open_image(path, source) as image:
        whole = image.format != 'GIF' or _has_end(image.fp)
        if count_frames(image) > 1:
            yield from opened_frames(image, source, every)
            single = []
        else:
            single = [decode(image, source)]
    while single:  # after the copy of Pillow is freed
        yield Frame(source, single.pop())
    if not whole:
        raise ImageError(f'{source} is damaged: it is truncated')


def opened_frames(image: Image.Image, source: str, every: int) -> Iterator[Frame]:
    """Read the frames of an image; see :func:`image_frames`.

    Args:
        image: Image opened by Pillow.
        source: Name of the image in the frames.
        every: Read every ``every``-th frame.
    """
    count = count_frames(image)
    if count == 1:
        yield Frame(source, decode(image, source))
        return
    pages = image.format == 'TIFF'  # pages are read one by one and have no time
    limit = (MAX_PIXELS,) if pages else (MAX_FRAME_PIXELS, ' per frame of an animation')
    milliseconds, rate = 0.0, None
    for index in range(count):
        try:
            with quiet():
                image.seek(index)
                check_size(source, *image.size, *limit)
                image.load()
        except EOFError:
            reason = f'it ends after {index} of {count} frames'
            raise ImageError(f'{source} is damaged: {reason}') from None
        shown = _milliseconds(image)
        rate = rate or 1000 / shown
        if index % every == 0:
            time = {} if pages else {'time': milliseconds / 1000, 'rate': rate}
            yield Frame(source, decode(image, source, *limit), index, **time)
        milliseconds += shown


def _milliseconds(image: Image.Image) -> float:
    """Return the duration of a frame; like browsers, 100 ms if it is very short."""
    shown = image.info.get('duration', 0)
    return float(shown) if shown > 10 else 100.0


def _has_end(file: BinaryIO) -> bool:
    """Return whether the blocks of a GIF reach its trailer; Pillow does not tell."""
    position = file.tell()
    try:
        file.seek(10)
        _skip_colours(file, 2)
        while (kind := file.read(1)) not in (b';', b''):
            if kind not in (b'!', b','):
                continue  # stray bytes, which Pillow also skips
            if kind == b',':  # an image: its position and colours
                file.seek(8, os.SEEK_CUR)
                _skip_colours(file, 0)
            file.seek(1, os.SEEK_CUR)
            while (size := file.read(1)) not in (b'\0', b''):
                file.seek(size[0], os.SEEK_CUR)
        return kind == b';'
    finally:
        file.seek(position)


def _skip_colours(file: BinaryIO, more: int) -> None:
    """Skip a colour table, whose size is in the next byte, and ``more`` bytes."""
    flags = (file.read(1) or b'\0')[0]
    file.seek(more + (3 << (flags % 8 + 1) if flags & 128 else 0), os.SEEK_CUR)
