"""Opens untrusted files, and prints their names."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 2**29
"""Maximum size of an image file: 512 MiB, enough for uncompressed 8-bit images with the
maximum number of pixels."""


class ImageError(ValueError):
    """Raised if an image or a video cannot be read; the message names it.

    Examples:
        >>> from mmqcs.media.read_image import read_image
        >>> try:
        ...     read_image(b'no image')
        ... except ImageError as error:
        ...     print(type(error).__name__)
        ImageError
    """


def printable(text: str) -> str:
    r"""Escape characters that cannot be printed on one line of any terminal.

    File names can contain line feeds, control characters, and bytes that are not UTF-8,
    which Python represents as lone surrogates.
    """
    return ''.join(x if x.isprintable() else ascii(x)[1:-1] for x in text)


def open_file(path: str | Path) -> BinaryIO:
    """Open a regular file for reading.

    Pipes, sockets and devices are refused before they are opened, because opening or
    reading them can block forever.

    Raises:
        FileNotFoundError: There is no such file.
        ImageError: The path is a folder or a special file, the file is empty, or
            permission is denied.
    """
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode) and status.st_size:
            return open(path, 'rb')
    except FileNotFoundError as error:
        raise FileNotFoundError(f'no such file: {path}') from error
    except OSError as error:
        raise ImageError(f'{path} cannot be opened: {error.strerror}') from error
    except ValueError as error:
        raise ImageError(f'{path!r} is not a valid path: {error}') from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f'{path} is a folder, not an image or a video')
    if stat.S_ISREG(status.st_mode):
        raise ImageError(f'{path} is empty (0 bytes)')
    raise ImageError(f'{path} is not a regular file')
