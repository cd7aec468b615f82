"""Draws faces and expressions into an image.

``torchvision.utils.draw_bounding_boxes`` has no background for labels in torchvision
0.21, so labels are hard to read, and the visualizer of MMEngine renders each image with
matplotlib, which is too slow for videos.
"""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from mmqcs.visualization.style import CLASS_COLOURS

from .results import FaceExpression, ImageResult

_COLOURS = tuple(map(ImageColor.getrgb, CLASS_COLOURS))


def draw_faces(image: np.ndarray, result: ImageResult) -> np.ndarray:
    """Draw boxes, points and the expressions into a copy of a BGR image."""
    drawn = image.copy()
    for item in reversed(result.faces):  # the largest face last, on top
        _draw_face(drawn, item)
    return drawn


def reduce_image(image: np.ndarray, side: int) -> np.ndarray:
    """Reduce an image to a maximum side length; the shorter side is at least 16."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(int(x * scale), 16) for x in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _draw_face(image: np.ndarray, item: FaceExpression) -> None:
    colour = _COLOURS[item.label % len(_COLOURS)]
    least = min(image.shape[:2])
    left, top, right, bottom = np.floor(item.face.box).astype(int).tolist()
    line = max(round(least / 250), 1)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), colour[::-1], line)
    radius = max((right - left) // 80, 1)
    for point in () if item.face.points is None else item.face.points:
        centre = np.floor(point).astype(int).tolist()
        cv2.circle(image, centre, radius, colour[::-1], cv2.FILLED)
        cv2.circle(image, centre, radius + 1, (0, 0, 0))
    text = f'{item.name} {100 * item.score:.0f} %'
    if item.track is not None:
        text = f'{item.track} {text}'
    label = _label(text, colour, int(np.clip(least / 28, 11, 48)))
    # above the box if there is room, else inside
    height, width = label.shape[:2]
    y = top - height if top >= height else top
    x = int(np.clip(left, 0, max(image.shape[1] - width, 0)))
    place = image[y : y + height, x : x + width]
    place[:] = label[: place.shape[0], : place.shape[1]]


def _label(text: str, colour: tuple[int, ...], size: int) -> np.ndarray:
    """Render a text on a background, BGR uint8 (h, w, 3); OpenCV only has ASCII."""
    font = _font(size)
    left, top, right, bottom = map(int, font.getbbox(text))
    pad = (bottom - top) // 4
    label = Image.new('RGB', (right - left + 2 * pad, bottom - top + 2 * pad), colour)
    dark = np.dot(colour, (0.299, 0.587, 0.114)) < 120
    draw = ImageDraw.Draw(label)
    draw.text((pad - left, pad - top), text, 'white' if dark else 'black', font)
    return np.asarray(label)[..., ::-1]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Load the font of matplotlib, which is available on every system."""
    path = Path(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf')
    return ImageFont.truetype(str(path), size)
