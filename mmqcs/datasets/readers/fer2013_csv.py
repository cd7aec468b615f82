"""Images in ``fer2013.csv``, read on demand."""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from mmengine.fileio import BaseStorageBackend, register_backend

from .fields import integer
from .listings import Sample
from .text_files import LINE_LIMIT, LIST_LIMIT, open_regular

_SIZE = 48
_PATTERN = re.compile(r'fer2013://(.+)/\w+_\d+@(\d+)\+(\d+)\.png')
_COLUMNS = (b'emotion', b'pixels', b'usage')


# force: the module may be imported again
@register_backend('fer2013', prefixes='fer2013', force=True)
class FER2013CSVBackend(BaseStorageBackend):
    """Storage backend for the images in a ``fer2013.csv``.

    A path contains the table, the usage and number of the row, and the position of its
    pixels, so ``LoadImageFromFile`` and everything else that reads images through
    MMEngine works, and nothing is held in memory::

        fer2013:///data/fer2013.csv/Training_00000@23+8287.png
    """

    def get(self, filepath: str) -> memoryview:
        """Return an image as a PNG file, 48 × 48, grey.

        Raises:
            ValueError: The path has another form, or the table does not have 2,304
                numbers from 0 to 255 at that position.
        """
        match = _PATTERN.fullmatch(str(filepath))
        if match is None:
            raise ValueError(
                f'cannot read {str(filepath)!r}: expected a path from mmqcs.FER2013 '
                f'such as fer2013://fer2013.csv/Training_00000@23+8287.png'
            )
        csv, offset, length = match[1], int(match[2]), int(match[3])
        with open_regular(csv, LIST_LIMIT) as file:
            file.seek(offset)
            text = file.read(min(length, LINE_LIMIT))
        try:
            if not _are_pixels(text):
                raise ValueError
            # bytes() refuses numbers above 255
            pixels = np.frombuffer(bytes(map(int, text.split(b' '))), dtype=np.uint8)
            image = pixels.reshape(_SIZE, _SIZE)
        except ValueError as error:
            raise ValueError(
                f'{csv}: expected {_SIZE * _SIZE} numbers from 0 to 255 at byte '
                f'{offset}, got {text[:40]!r}... Repair that row. If the table '
                f'changed, build the dataset again'
            ) from error
        _, code = cv2.imencode('.png', image)
        return code.data

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        """Raise a ValueError: this storage has only images."""
        raise ValueError(f'{filepath!r} is an image, not text')


def read_fer2013_csv(path: Path, num_classes: int = 7) -> Iterator[tuple[str, Sample]]:
    """Read the usages and samples, but not the pixels, of a ``fer2013.csv``.

    The columns emotion, pixels and Usage can be in any order, and fields may be quoted.
    A missing column, or a row with other fields or another number of pixels is an
    error.
    """
    table = os.path.abspath(path)
    with open_regular(path, LIST_LIMIT) as file:
        header = file.readline(LINE_LIMIT).removeprefix(b'\xef\xbb\xbf')
        names = [name.strip(b' "\r\n').lower() for name in header.split(b',')]
        if any(names.count(name) != 1 for name in _COLUMNS):
            raise ValueError(
                f'{path} line 1: expected the columns emotion, pixels and Usage once '
                f'each, in UTF-8, got {header[:80]!r}'
            )
        emotion, pixels, usage = (names.index(name) for name in _COLUMNS)
        offset = file.tell()
        for number, line in enumerate(iter(partial(file.readline, LINE_LIMIT), b''), 2):
            start, offset = offset, offset + len(line)
            if not line.strip():
                continue
            origin = f'{path} line {number}'
            try:
                fields = [_unquoted(field) for field in line.split(b',')]
                if len(fields) != len(names):
                    raise ValueError(f'{len(fields)} columns')
                label = integer(fields[emotion].decode('ascii'), num_classes - 1)
                name = fields[usage].decode('ascii')
            except ValueError as error:
                raise ValueError(
                    f'{origin}: expected an emotion, pixels and a usage, got '
                    f'{line[:40]!r}... ({error})'
                ) from error
            text = fields[pixels]
            if not _are_pixels(text):
                raise ValueError(
                    f'{origin}: expected {_SIZE * _SIZE} pixels, whole numbers with '
                    f'one space between them, got {len(text.split())}: {text[:40]!r}. '
                    f'Check that the file is complete'
                )
            place = f'{start + line.index(text)}+{len(text)}'
            image = f'fer2013://{table}/{name}_{number - 2:05d}@{place}.png'
            yield name, Sample(image, label, origin, listed=True)


def _unquoted(field: bytes) -> bytes:
    """Strip whitespace and surrounding quotes."""
    field = field.strip(b' \t\r\n')
    if len(field) > 1 and field[:1] == field[-1:] == b'"':
        field = field[1:-1].strip(b' ')
    if b'"' in field:
        raise ValueError('a quote inside a field')
    return field


def _are_pixels(text: bytes) -> bool:
    """Return whether this is one image: digits with single spaces."""
    return (
        text.count(b' ') == _SIZE * _SIZE - 1
        and b'  ' not in text
        and not text.translate(None, b'0123456789 ')
        and text[:1] != b' ' != text[-1:]
    )
