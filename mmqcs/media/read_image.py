"""Reads images of all common formats as BGR, as a viewer shows them."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from .files import MAX_BYTES, ImageError, open_file

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


@dataclass(frozen=True)
class Frame:
    """One image of an input, or the error that occurred when reading it.

    ``source`` is a path, ``'camera N'``, or type and index of an input, such as
    ``'array 3'``. See :class:`mmqcs.apis.ImageResult` for the other fields.
    """

    source: str
    image: np.ndarray | None = None
    index: int | None = None
    time: float | None = None
    rate: float | None = None
    error: Exception | None = None


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read one image, given as a file or its content, as BGR, uint8 (H, W, 3).

    The image is rotated according to its EXIF orientation. Transparent parts become
    white, 16 bits are reduced to 8, and grey, palette and CMYK images are converted to
    colour. Of an animation, only the first frame is read.

    Raises:
        FileNotFoundError, mmqcs.apis.ImageError: The image cannot be read.
    """
    name = 'the data' if isinstance(source, bytes) else str(source)
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with open_image(file, name) as image:
        return decode(image, name)


@contextmanager
def open_image(source: str | Path | BinaryIO, name: str) -> Iterator[ImageFile]:
    """Open an image in one of :data:`FORMATS`; translate errors in the context."""
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
            limit = f'the maximum is {MAX_BYTES:,} bytes'
            raise ImageError(f'{name} is too large: {size:,} bytes, {limit}')
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
    """Translate all errors of decoders into an ``ImageError`` that names the file."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        reason = f'too large: {error} The maximum is {MAX_PIXELS:,} pixels'
        raise ImageError(f'{name} is {reason}') from error
    except UnidentifiedImageError as error:
        reason = 'not an image or a video in a known format'
        if is_heif(head):
            reason = (
                'damaged: pillow-heif cannot read it'
                if _knows_heif()
                else 'a HEIC image: install pillow-heif to read it (pip install '
                "'mmqcs[heic]')"
            )
        raise ImageError(f'{name} is {reason}') from error
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


def as_bgr(image: np.ndarray, name: str) -> np.ndarray:
    """Return an array if it is an image, BGR, uint8 (H, W, 3)."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f'{name} must be a BGR array of uint8 and shape (H, W, 3), got '
            f'{image.dtype} and {image.shape}'
        )
    check_size(name, image.shape[1], image.shape[0])
    return image


def check_size(name: str, width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Raise an error if an image is too small, or has more than ``most`` pixels."""
    if width * height > most:
        raise ImageError(
            f'{name} is too large: {width} x {height} pixels, the maximum is '
            f'{most:,}; reduce it first'
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f'{name} is too small to show a face: {width} x {height} pixels, the '
            f'minimum is {MIN_SIDE} x {MIN_SIDE}'
        )


def decode(image: Image.Image, name: str, most: int = MAX_PIXELS) -> np.ndarray:
    """Return the upright pixels of an image of any mode, BGR, uint8 (H, W, 3)."""
    check_size(name, *image.size, most)
    with quiet():
        image = _upright(image)
        image.load()
        width, height = image.size
        result = np.empty((height, width, 3), np.uint8)
        # floats have no known range, so they are scaled from minimum to maximum
        low, high = image.getextrema() if image.mode == 'F' else (0, 65535)
        rows = max(_BAND // width, 1)  # avoids a second copy of large images
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            band = image.crop((0, top, width, bottom))
            if image.mode.startswith(('F', 'I')):
                values = (np.asarray(band, np.float64) - low) / max(high - low, 1e-12)  # type: ignore[operator]
                grey = np.clip(255 * values, 0, 255).round().astype(np.uint8)
                result[top:bottom] = grey[..., None]
            else:
                result[top:bottom] = np.asarray(_on_white(band))[..., ::-1]
    return result


def _upright(image: Image.Image) -> Image.Image:
    """Rotate an image by its EXIF orientation."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF data can raise anything
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        coloured = image.convert('RGBA')
        white = Image.new('RGBA', coloured.size, 'white')
        image = Image.alpha_composite(white, coloured)
    return image.convert('RGB')
