"""Reads an image in any common format as BGR, as a viewer would show it."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .files import MAX_BYTES, ImageError, open_file

__all__ = [
    'FORMATS',
    'MAX_PIXELS',
    'MIN_SIDE',
    'as_bgr',
    'check_size',
    'decode',
    'is_heif',
    'open_image',
    'pillow_to_bgr',
    'quiet',
    'read_image',
    'translate_errors',
]

MAX_PIXELS = 178_000_000
"""Most pixels of an image: 534 MB in memory, just below Pillow's own limit."""

MIN_SIDE = 8
"""Least width and height in pixels of an image that can show a face."""

_NAMES = 'AVIF BMP DIB GIF ICO JPEG JPEG2000 PCX PNG PPM PSD QOI SGI SUN TIFF WEBP'
FORMATS = tuple(_NAMES.split(' '))
"""Formats that are tried. Pillow knows more, but some of them start other programs or
read other files, such as EPS, which starts Ghostscript."""

_TGA_SUFFIXES = ('.tga', '.icb', '.vda', '.vst')
_HEIF_BRANDS = (
    *(b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'hevm', b'hevs'),
    *(b'mif1', b'msf1'),
)
_BAND = 2**22  # pixels that are converted at once


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read one image.

    It is turned as its EXIF orientation says. Transparent parts become white, 16 bits
    are reduced to 8, and grey, palette and CMYK become colours. Only the first frame
    of an animation is read.

    Args:
        source: File, or its content.

    Returns:
        BGR, uint8 (H, W, 3).

    Raises:
        FileNotFoundError: There is no such file.
        mmqcs.apis.ImageError: It is not an image of a known format, damaged, too
            small or too large.
    """
    name = 'the data' if isinstance(source, bytes) else str(source)
    source = io.BytesIO(source) if isinstance(source, bytes) else source
    with open_image(source, name) as image:
        return decode(image, name)


@contextmanager
def open_image(source: str | Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open an image with Pillow, by its content, in one of :data:`FORMATS`.

    Args:
        source: File.
        name: Name of the file in messages.

    Yields:
        The image. Errors of its decoder are translated as well.

    Raises:
        FileNotFoundError: There is no such file.
        mmqcs.apis.ImageError: It cannot be read, or reading it fails.
    """
    formats = FORMATS
    if isinstance(source, (str, Path)):
        if Path(source).suffix.lower() in _TGA_SUFFIXES:
            formats = (*formats, 'TGA')  # has no signature
        source = open_file(source)
    with source as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            raise ImageError(f'{name} is empty (0 bytes)')
        if size > MAX_BYTES:
            raise ImageError(
                f'{name} is too large: {size:,} bytes, but images of at most '
                f'{MAX_BYTES:,} bytes are read'
            )
        file.seek(0)
        head = file.read(64)
        file.seek(0)
        if is_heif(head) and _knows_heif():
            formats = (*formats, 'HEIF')
        with translate_errors(name, head):
            with quiet():
                image = Image.open(file, formats=formats)
            with image:
                yield image


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings, which do not name the file."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


@contextmanager
def translate_errors(name: str, head: bytes = b'') -> Iterator[None]:
    """Turn what a decoder raises for a damaged image into an error that names it.

    Args:
        name: Name of the file in messages.
        head: The first bytes of the file.

    Raises:
        mmqcs.apis.ImageError: In place of any other error.
    """
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f'{name} is too large: {error} At most {MAX_PIXELS:,} pixels are read'
        ) from error
    except UnidentifiedImageError as error:
        if is_heif(head):
            raise ImageError(
                f'{name} is a HEIC image: install pillow-heif to read it (pip install '
                f"'mmqcs[heic]')"
                if not _knows_heif()
                else f'{name} is damaged: pillow-heif cannot read it'
            ) from error
        raise ImageError(
            f'{name} is not an image or a video in a known format'
        ) from error
    except MemoryError as error:
        raise ImageError(f'{name} does not fit into memory') from error
    # decoders raise almost anything: struct.error, SyntaxError, OverflowError, ...
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageError(f'{name} is damaged: {reason}') from error


def is_heif(head: bytes) -> bool:
    """Return whether a file that begins so is a HEIC or HEIF image."""
    return head[4:8] == b'ftyp' and head[8:12] in _HEIF_BRANDS


def _knows_heif() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def as_bgr(image: np.ndarray, name: str = 'the image') -> np.ndarray:
    """Check an array that is given in place of a file.

    Args:
        image: BGR, uint8 (H, W, 3).
        name: Name of the array in messages.

    Raises:
        mmqcs.apis.ImageError: It is not that, too small or too large.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f'{name} must be a BGR array of uint8 and shape (H, W, 3), got '
            f'{image.dtype} and {image.shape}'
        )
    check_size(name, image.shape[1], image.shape[0])
    return image


def check_size(
    name: str, width: int, height: int, most: int = MAX_PIXELS, kind: str = ''
) -> None:
    """Check the size of an image before its pixels are read.

    Args:
        name: Name of the file in messages.
        width: In pixels.
        height: In pixels.
        most: Largest number of pixels.
        kind: Kind of image that has this limit, for the message.

    Raises:
        mmqcs.apis.ImageError: The image is too small or too large.
    """
    if width * height > most:
        raise ImageError(
            f'{name} is too large: {width} x {height} pixels, at most {most:,} '
            f'are read{kind}. Reduce it first'
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f'{name} is too small to show a face: {width} x {height} pixels, at least '
            f'{MIN_SIDE} x {MIN_SIDE} are needed'
        )


def decode(
    image: Image.Image, name: str, most: int = MAX_PIXELS, kind: str = ''
) -> np.ndarray:
    """Return the pixels of an image that Pillow opened, turned upright.

    Args:
        image: Of any mode.
        name: Name of the file in messages.
        most: Largest number of pixels.
        kind: Kind of image that has this limit, for the message.

    Returns:
        BGR, uint8 (H, W, 3).

    Raises:
        mmqcs.apis.ImageError: The image is too small or too large.
    """
    check_size(name, *image.size, most, kind)
    with quiet():
        return pillow_to_bgr(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF orientation says.

    Viewers ignore EXIF data that cannot be read, and so does this function.
    """
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # whatever Pillow raises for damaged EXIF data
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def pillow_to_bgr(image: Image.Image) -> np.ndarray:
    """Return the pixels of an image that Pillow opened.

    Args:
        image: Of any mode.

    Returns:
        BGR, uint8 (H, W, 3).
    """
    image.load()
    width, height = image.size
    result = np.empty((height, width, 3), np.uint8)
    # float has no known range: it is stretched from its least to its greatest value
    low, high = image.getextrema() if image.mode == 'F' else (0, 65535)
    rows = max(_BAND // width, 1)  # a large image has no second copy in memory
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image.crop((0, top, width, bottom))
        if image.mode == 'F' or image.mode.startswith('I'):
            values = (np.asarray(band, np.float64) - low) / max(high - low, 1e-12)
            grey = np.clip(255 * values, 0, 255).round().astype(np.uint8)
            result[top:bottom] = grey[..., None]
        else:
            result[top:bottom] = np.asarray(_on_white(band))[..., ::-1]
    return result


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        coloured = image.convert('RGBA')
        white = Image.new('RGBA', coloured.size, 'white')
        image = Image.alpha_composite(white, coloured)
    return image.convert('RGB')
