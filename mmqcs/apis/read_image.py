"""Reads images of all common formats as BGR, as a viewer shows them."""

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
"""Maximum number of pixels of an image: 534 MB, just below the limit of Pillow."""

MIN_SIDE = 8
"""Minimum width and height in pixels of an image that can show a face."""

_NAMES = 'AVIF BMP DIB GIF ICO JPEG JPEG2000 PCX PNG PPM PSD QOI SGI SUN TIFF WEBP'
FORMATS = tuple(_NAMES.split(' '))
"""Supported formats. Some others of Pillow start programs or read other files; EPS, for
example, starts Ghostscript."""

_TGA_SUFFIXES = ('.tga', '.icb', '.vda', '.vst')
_HEIF_BRANDS = (
    *(b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'hevm', b'hevs'),
    *(b'mif1', b'msf1'),
)
_BAND = 2**22  # pixels converted at once


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read one image.

    The image is rotated according to its EXIF orientation. Transparent parts become
    white, 16 bits are reduced to 8, and grey, palette and CMYK images are converted to
    colour. Of an animation, only the first frame is read.

    Args:
        source: File, or its content.

    Returns:
        BGR, uint8 (H, W, 3).

    Raises:
        FileNotFoundError: There is no such file.
        mmqcs.apis.ImageError: The format is unknown, or the image is damaged, too small
            or too large.
    """
    name = 'the data' if isinstance(source, bytes) else str(source)
    source = io.BytesIO(source) if isinstance(source, bytes) else source
    with open_image(source, name) as image:
        return decode(image, name)


@contextmanager
def open_image(source: str | Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open an image in one of :data:`FORMATS` with Pillow.

    Args:
        source: File.
        name: Name of the file in messages.

    Yields:
        The image. Errors of its decoder within the context are translated.

    Raises:
        FileNotFoundError: There is no such file.
        mmqcs.apis.ImageError: The image cannot be read.
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
                f'{name} is too large: {size:,} bytes, the maximum is {MAX_BYTES:,} '
                f'bytes'
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
    """Suppress warnings of Pillow, which do not name the file."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


@contextmanager
def translate_errors(name: str, head: bytes = b'') -> Iterator[None]:
    """Translate all errors of decoders into one that names the file.

    Args:
        name: Name of the file in messages.
        head: First bytes of the file.

    Raises:
        mmqcs.apis.ImageError: Instead of any other error.
    """
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f'{name} is too large: {error} The maximum is {MAX_PIXELS:,} pixels'
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
    """Return whether a file starts as a HEIC or HEIF image."""
    return head[4:8] == b'ftyp' and head[8:12] in _HEIF_BRANDS


def _knows_heif() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def as_bgr(image: np.ndarray, name: str = 'the image') -> np.ndarray:
    """Check an array that is used as an image.

    Args:
        image: BGR, uint8 (H, W, 3).
        name: Name of the array in messages.

    Raises:
        mmqcs.apis.ImageError: Type or shape are wrong, or the image is too small or too
            large.
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
        width: Width in pixels.
        height: Height in pixels.
        most: Maximum number of pixels.
        kind: Description of the limit in the message.

    Raises:
        mmqcs.apis.ImageError: The image is too small or too large.
    """
    if width * height > most:
        raise ImageError(
            f'{name} is too large: {width} x {height} pixels, the maximum is '
            f'{most:,}{kind}; reduce it first'
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f'{name} is too small to show a face: {width} x {height} pixels, the '
            f'minimum is {MIN_SIDE} x {MIN_SIDE}'
        )


def decode(
    image: Image.Image, name: str, most: int = MAX_PIXELS, kind: str = ''
) -> np.ndarray:
    """Return the upright pixels of an image.

    Args:
        image: Image opened by Pillow, in any mode.
        name: Name of the file in messages.
        most: Maximum number of pixels.
        kind: Description of the limit in the message.

    Returns:
        BGR, uint8 (H, W, 3).

    Raises:
        mmqcs.apis.ImageError: The image is too small or too large.
    """
    check_size(name, *image.size, most, kind)
    with quiet():
        return pillow_to_bgr(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """Rotate an image by its EXIF orientation; ignore damaged EXIF data."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF data can raise anything
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def pillow_to_bgr(image: Image.Image) -> np.ndarray:
    """Return the pixels of an image, BGR, uint8 (H, W, 3).

    Args:
        image: Image opened by Pillow, in any mode.
    """
    image.load()
    width, height = image.size
    result = np.empty((height, width, 3), np.uint8)
    # floats have no known range, so they are scaled from minimum to maximum
    low, high = image.getextrema() if image.mode == 'F' else (0, 65535)
    rows = max(_BAND // width, 1)  # avoids a second copy of large images
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
