"""Reads a picture of any common kind as BGR, as a viewer would show it."""

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = [
    'MAX_PIXELS',
    'MIN_SIDE',
    'as_bgr',
    'open_picture',
    'pillow_to_bgr',
    'read_image',
]

MAX_PIXELS = 178_000_000
"""Most pixels of a picture: 534 MB in memory, just below what Pillow opens at all."""

MIN_SIDE = 8
"""Least width and height in pixels of a picture that can show a face."""


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Reads a picture.

    It is turned as its EXIF orientation says; transparent parts become white; 16 bits
    are reduced to 8; grey, palette and CMYK become colours; of an animation the first
    frame is read.

    Args:
        source: File, or its content.

    Returns:
        BGR, uint8 (H, W, 3).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is empty, no picture, damaged, too small or too large.
    """
    name = 'the data' if isinstance(source, bytes) else str(source)
    if not isinstance(source, bytes):
        path = Path(source)
        if path.is_dir():
            raise ValueError(f'{name} is a folder, no picture')
        source = path.read_bytes()  # FileNotFoundError names the file
    if not source:
        raise ValueError(f'{name} is empty (0 bytes)')
    try:
        with open_picture(io.BytesIO(source)) as picture:
            _check_size(name, *picture.size)
            return pillow_to_bgr(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise ValueError(
            f'{name} is too large: {error} At most {MAX_PIXELS:,} pixels are read'
        ) from error
    except UnidentifiedImageError as error:
        raise ValueError(f'{name} is no picture of a known format') from error
    except (OSError, SyntaxError, EOFError, IndexError) as error:  # by format
        raise ValueError(f'{name} is damaged: {error}') from error


def open_picture(source: str | Path | BinaryIO) -> Image.Image:
    """Pillow's ``open``, without its warning of large pictures.

    There is a limit here: :data:`MAX_PIXELS`.

    Args:
        source: File.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        return Image.open(source)


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Checks an array that is given in place of a file.

    Args:
        image: BGR, uint8 (H, W, 3).

    Raises:
        ValueError: It is not that, or too small.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f'an image must be a BGR array of uint8 and shape (H, W, 3), got '
            f'{image.dtype} and {image.shape}'
        )
    _check_size('the image', image.shape[1], image.shape[0])
    return image


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(
            f'{name} is too large: {width} x {height} pixels, at most {MAX_PIXELS:,} '
            f'are read. Reduce it first'
        )
    if min(width, height) < MIN_SIDE:
        raise ValueError(
            f'{name} is too small to show a face: {width} x {height} pixels, at least '
            f'{MIN_SIDE} x {MIN_SIDE} are needed'
        )


def pillow_to_bgr(picture: Image.Image) -> np.ndarray:
    """The pixels of a picture that Pillow opened.

    Args:
        picture: Of any mode.

    Returns:
        BGR, uint8 (H, W, 3).
    """
    if picture.mode.startswith('I') or picture.mode == 'F':
        values = np.asarray(picture).astype(np.float64)
        if picture.mode == 'F':  # no known range: from its least to its greatest value
            low, high = values.min(), values.max()
            values = (values - low) / max(high - low, 1e-12) * 65535
        grey = np.clip(values / 257, 0, 255).round().astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        coloured = picture.convert('RGBA')
        white = Image.new('RGBA', coloured.size, 'white')
        picture = Image.alpha_composite(white, coloured)
    return np.ascontiguousarray(np.asarray(picture.convert('RGB'))[..., ::-1])
