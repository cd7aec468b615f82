"""Draws faces and expressions into an image."""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .results import FaceExpression, ImageResult

__all__ = ['CLASS_COLOURS', 'draw_faces', 'reduce_image']

CLASS_COLOURS = (
    (0, 158, 115),
    (230, 159, 0),
    (86, 180, 233),
    (213, 94, 0),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
    (200, 200, 200),
)
"""RGB of the classes, by Okabe and Ito: told apart with any colour vision."""

_BAND = 2**23  # pixels that are drawn into at once


def draw_faces(image: np.ndarray, result: ImageResult) -> np.ndarray:
    """Draw boxes, points and the names of the expressions.

    Args:
        image: BGR, uint8 (H, W, 3). It is not changed.
        result: The faces of the image.

    Returns:
        BGR, uint8 (H, W, 3).
    """
    drawn = image.copy()
    height, width = drawn.shape[:2]
    rows = max(_BAND // width, 1)  # Pillow needs a copy, which is small in this way
    for start in range(0, height, rows):
        band = drawn[start : start + rows]
        canvas = Image.fromarray(np.ascontiguousarray(band[..., ::-1]))
        draw = ImageDraw.Draw(canvas)
        for item in reversed(result.faces):  # the largest last, on top
            _draw_face(draw, (width, height), item, start)
        band[...] = np.asarray(canvas)[..., ::-1]
    return drawn


def reduce_image(image: np.ndarray, side: int) -> np.ndarray:
    """Reduce an image whose longer side has more pixels than this.

    Args:
        image: uint8 (H, W, 3).
        side: Longest side in pixels; the shorter one has at least 16.

    Returns:
        uint8 (h, w, 3), or the image itself.
    """
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(int(x * scale), 16) for x in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _draw_face(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], item: FaceExpression, start: int
) -> None:
    """Draw one face into the rows of an image that begin with ``start``."""
    colour = CLASS_COLOURS[item.label % len(CLASS_COLOURS)]
    left, top, right, bottom = map(float, item.face.box)
    line = max(round(min(size) / 250), 1)
    # Pillow rounds towards zero: round before the coordinates are shifted
    shift = (0, start, 0, start)
    corners = np.floor((left, top, right - 1, bottom - 1)) - shift
    draw.rectangle(corners.tolist(), outline=colour, width=line)
    if item.face.points is not None:
        radius = max((right - left) / 80, 1.0)
        for x, y in item.face.points:
            corners = np.floor((x - radius, y - radius, x + radius, y + radius))
            draw.ellipse((corners - shift).tolist(), fill=colour, outline='black')
    font = _font(int(np.clip(min(size) / 28, 11, 48)))
    text = f'{item.name} {100 * item.score:.0f} %'
    _, _, width, height = draw.textbbox((0, 0), text, font=font)
    pad = height // 4
    # above the box; where there is no room, inside of it
    y = top - height - 2 * pad
    y = float(np.floor(y if y >= 0 else top)) - start
    x = float(np.clip(left, 0, max(size[0] - width - 2 * pad, 0)))
    draw.rectangle((x, y, x + width + 2 * pad, y + height + 2 * pad), fill=colour)
    dark = np.dot(colour, (0.299, 0.587, 0.114)) < 120
    draw.text((x + pad, y + pad), text, fill='white' if dark else 'black', font=font)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own font, which is wherever it is installed."""
    path = Path(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')
    return ImageFont.truetype(str(path), size)
