"""Fields of lists and tables: whole numbers, image names and face boxes.

Errors describe the field; the caller adds file and line.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_INTEGER = re.compile(r'(-?[0-9]{1,9})(?:\.0*)?(?:[eE][+-]?0+)?')
_LARGEST = 999_999_999
_CONTROL = re.compile('[\0-\x1f\x7f-\x9f]')
_NO_NUMBER = ('', 'NULL', 'NAN')  # pandas writes NULL as one of the others


# The fields of a large table have few distinct numbers.
@lru_cache(maxsize=2**14)
def integer(text: str, maximum: int = _LARGEST, minimum: int = 0) -> int:
    """Read a whole number.

    Args:
        text: ASCII digits. A fraction of zeros, as in ``3.0`` or
            ``3.0000000e+00``, is allowed.
        maximum: Largest valid number, of at most nine digits.
        minimum: Smallest valid number.

    Raises:
        ValueError: The text is not such a number.

    Examples:
        >>> integer('3.0')
        3
    """
    match = _INTEGER.fullmatch(text.strip(' \t'))
    number = int(match[1]) if match else minimum - 1
    if not minimum <= number <= maximum:
        raise ValueError(
            f'expected a whole number from {minimum} to {maximum}, got {shorten(text)}'
        )
    return number


def image_name(text: str) -> str:
    """Read the path of an image, relative to the image folder.

    Args:
        text: Relative path with slashes or backslashes.

    Returns:
        The path with slashes, without empty parts.

    Raises:
        ValueError: The path is empty or absolute, contains ``..`` or a control
            character, or ends with a slash.
    """
    name = text.strip(' \t').replace('\\', '/')
    parts = name.split('/')
    if (
        not parts[0]
        or parts[-1] in ('', '.')
        or '..' in parts
        or name[1:2] == ':'
        or (not name.isprintable() and _CONTROL.search(name))
    ):
        raise ValueError(
            f'expected an image path below the data root, without .. and control '
            f'characters, got {shorten(text)}'
        )
    return '/'.join(part for part in parts if part not in ('', '.'))


def face_box(fields: Sequence[str]) -> tuple[int, int, int, int] | None:
    """Read a face box.

    Args:
        fields: Left, top, width and height in pixels. Left and top may be negative,
            because the box may extend beyond the image.

    Returns:
        The box, or None if all fields are NULL, NaN or empty.

    Raises:
        ValueError: A field is not a whole number, or the box is empty.
    """
    if all(field.strip(' \t').upper() in _NO_NUMBER for field in fields):
        return None
    x, y, width, height = fields
    return (
        integer(x, minimum=-_LARGEST),
        integer(y, minimum=-_LARGEST),
        integer(width, minimum=1),
        integer(height, minimum=1),
    )


def shorten(text: str) -> str:
    """Quote the beginning of a text for a message."""
    return repr(text if len(text) <= 100 else f'{text[:100]}...')
