"""Label files as lines and tables, read strictly and with bounded memory."""

import csv
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mmengine import fileio

from .fields import shorten

LIST_LIMIT = 4 * 2**30
"""Largest list or table in bytes. AffectNet's table has about 0.5 GiB."""
LINE_LIMIT = 2**17
"""Longest line in characters, as for a field in Python's ``csv`` module."""
_IMAGE_LIMIT = 2**28  # bytes

# Invalid bytes become surrogates, so that the error can name their line.
_UTF8 = ('utf-8-sig', 'surrogateescape')
_UTF16 = ('utf-16', 'surrogatepass')
_SURROGATE = re.compile('[\ud800-\udfff]')


def check_regular(path: str | Path, limit: int) -> None:
    """Check that reading a file can neither block nor continue forever.

    Folders, pipes, devices, and files of more than ``limit`` bytes are errors.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(
            f'{path} is not a regular file. Replace the folder, pipe or device with '
            f'the file itself'
        )
    if status.st_size > limit:
        raise ValueError(
            f'{path} has {status.st_size:,} bytes, more than the limit of {limit:,}. '
            f'Check that it is the right file'
        )


def open_regular(path: str | Path, limit: int) -> BinaryIO:
    """Open a file for reading in binary mode after :func:`check_regular`."""
    check_regular(path, limit)
    return open(path, 'rb')


def check_image_file(path: str) -> None:
    """Run :func:`check_regular` on an image, unless it is in other storage."""
    if isinstance(fileio.get_file_backend(path), fileio.LocalBackend):
        check_regular(path, _IMAGE_LIMIT)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Read the non-blank lines of a text file.

    Args:
        path: Text in UTF-8, or in UTF-16 with a byte order mark. Lines end with
            ``\n``, ``\r\n`` or ``\r``.

    Yields:
        Line number, counted from 1, and the line without its line end.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not such text or not a regular file, or a line is
            longer than :data:`LINE_LIMIT`.
    """
    with open_regular(path, LIST_LIMIT) as file:
        utf16 = file.read(2) in (b'\xff\xfe', b'\xfe\xff')
        file.seek(0)
        text = io.TextIOWrapper(file, *(_UTF16 if utf16 else _UTF8))
        number = 0
        while True:
            number += 1
            try:
                line = text.readline(LINE_LIMIT)
            except UnicodeDecodeError as error:  # UTF-16 that ends within a character
                raise ValueError(_not_text(path, number)) from error
            if not line:
                return
            if '\0' in line or (not line.isascii() and _SURROGATE.search(line)):
                raise ValueError(_not_text(path, number))
            if len(line) == LINE_LIMIT and line[-1] != '\n':
                raise ValueError(
                    f'{path} line {number}: longer than {LINE_LIMIT:,} characters, '
                    f'starts with {shorten(line)}. Check that it is a list of labels'
                )
            if line.strip(' \t\n'):
                yield number, line.removesuffix('\n')


def _not_text(path: Path, number: int) -> str:
    return (
        f'{path} line {number}: contains NUL or bytes that are not UTF-8. Save the '
        f'file as text in UTF-8'
    )


def read_table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a comma-separated table.

    Each row is one line. A quote that is not closed on its line is an error; Python's
    ``csv`` module would read all following lines as its field.

    Args:
        path: Text file, see :func:`read_lines`.

    Yields:
        Line number, counted from 1, and the fields.

    Raises:
        ValueError: See :func:`read_lines`; or a row has wrong quotes.
    """
    for number, line in read_lines(path):
        if '"' not in line:
            yield number, line.split(',')
            continue
        try:
            row = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise ValueError(
                f'{path} line {number}: wrong quotes ({error}), got {shorten(line)}'
            ) from error
        yield number, row
