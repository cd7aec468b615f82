"""Cropping of a face, aligned or by its box."""

import numpy as np

from .alignment import ARCFACE, align_face
from .face import Face

__all__ = ['cut_face']


def cut_face(
    image: np.ndarray,
    face: Face,
    size: int = 112,
    template: np.ndarray = ARCFACE,
    margin: float = 0.1,
) -> np.ndarray:
    """Crop a face: aligned if its points are known, else by its box.

    Args:
        image: BGR, uint8 (H, W, 3).
        face: Face of the image.
        size: Side of an aligned face in pixels.
        template: Positions of the points in an aligned face, (5, 2), as fractions of
            the side.
        margin: Margin on each side of a box, as a fraction of its longer side. The crop
            is a square around the box, so that faces are not stretched, clipped to the
            image. If the box is the whole image, the image is returned.

    Returns:
        uint8 (size, size, 3), or the square in its own size.

    Examples:
        >>> from mmqcs.faces import Face
        >>> image = np.zeros((200, 300, 3), np.uint8)
        >>> face = Face(np.array([100.0, 50, 180, 150]), 1.0)  # without points
        >>> cut_face(image, face, margin=0.1).shape
        (120, 120, 3)
    """
    if face.points is not None:
        return align_face(image, face.points, size, template)
    height, width = image.shape[:2]
    left, top, right, bottom = face.box
    if left <= 0 and top <= 0 and right >= width and bottom >= height:
        return image
    half = max(right - left, bottom - top) * (0.5 + margin)
    x, y = (left + right) / 2, (top + bottom) / 2
    columns = slice(max(round(x - half), 0), min(round(x + half), width))
    rows = slice(max(round(y - half), 0), min(round(y + half), height))
    return np.ascontiguousarray(image[rows, columns])
