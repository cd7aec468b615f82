"""Painting on a canvas in fixed-point coordinates.

Points are first rounded to sixteenths of a pixel, so that painting is integer
arithmetic and gives the same pixels on every machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

_SHIFT = 4

TURNS = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
RING = np.stack((np.cos(TURNS), np.sin(TURNS)), axis=1)
"""Points of the unit circle at the angles :data:`TURNS`."""


def fixed(points: np.ndarray) -> np.ndarray:
    """Round points in pixels to fixed point, int32."""
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def moved(points: np.ndarray, right: float, down: float) -> np.ndarray:
    """Move points (..., 2)."""
    return points + np.array((right, down))


def fill(canvas: np.ndarray, points: np.ndarray, colour: tuple | float) -> None:
    """Fill the polygon through points (N, 2) in pixels."""
    cv2.fillPoly(canvas, [fixed(points)], colour, cv2.LINE_AA, _SHIFT)


def line(
    canvas: np.ndarray,
    points: np.ndarray,
    colour: tuple | float,
    width: float,
    closed: bool = False,
) -> None:
    """Paint a line of constant width through points (N, 2) in pixels."""
    thickness = max(1, round(width))
    cv2.polylines(
        canvas, [fixed(points)], closed, colour, thickness, cv2.LINE_AA, _SHIFT
    )


def disc(
    canvas: np.ndarray, centre: np.ndarray, radius: float, colour: tuple | float
) -> None:
    """Fill a disc; centre and radius are in pixels."""
    x, y = fixed(centre).tolist()
    r = max(1, round(radius * (1 << _SHIFT)))
    cv2.circle(canvas, (x, y), r, colour, -1, cv2.LINE_AA, _SHIFT)


def mask_of(shape: tuple[int, ...], *polygons: np.ndarray) -> np.ndarray:
    """Return a mask of the union of polygons: uint8, 255 inside."""
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [fixed(polygon)], 255, cv2.LINE_8, _SHIFT)
    return mask


@contextmanager
def clipped(
    canvas: np.ndarray, polygon: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Clip all painting to a polygon (N, 2) in pixels.

    Yields the part of the canvas to paint on, and the top left corner of this part,
    which must be subtracted from all points.
    """
    high = np.array(canvas.shape[1::-1])
    low = np.clip(np.floor(polygon.min(axis=0)).astype(int) - 1, 0, high)
    end = np.clip(np.ceil(polygon.max(axis=0)).astype(int) + 2, low, high)
    target = canvas[low[1] : end[1], low[0] : end[0]]
    part = target.copy()
    yield part, low
    if part.size:
        cv2.copyTo(part, mask_of(part.shape[:2], polygon - low), target)
