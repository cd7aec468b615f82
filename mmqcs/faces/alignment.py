"""Crops of faces: eyes, nose and mouth at the same place in each."""

from collections.abc import Sequence

import cv2
import numpy as np

from .face import Face

_ARCFACE_PIXELS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
ARCFACE = np.array(_ARCFACE_PIXELS) / 112
"""Points (5, 2) of the ArcFace template for 112 pixels, as fractions of the side.

Eyes, tip of the nose and corners of the mouth, each pair from left to right in the
image (Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition,
2019).
"""


def check_template(points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Return a face template as a float array (5, 2), or raise a ``ValueError``."""
    try:
        template = np.array(points, float)
    except (TypeError, ValueError):  # no numbers
        template = np.empty(0)
    if template.shape != (5, 2) or not np.abs(template).max() <= 2:
        raise ValueError(
            f'a face template is five points (x, y), the eyes, nose and corners of the '
            f'mouth, as fractions of the side of the face, not in pixels; got '
            f'{points!r}'
        )
    return template


def fit_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit a similarity transform from points to points.

    Least squares over rotation, scale and translation (Umeyama, Least-Squares
    Estimation of Transformation Parameters Between Two Point Patterns, 1991). In two
    dimensions, this is linear regression with points as complex numbers.

    Args:
        source: (N, 2), N ≥ 2, which must not coincide.
        target: (N, 2).

    Returns:
        Matrix (2, 3) for ``cv2.warpAffine``.

    Examples:
        >>> square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
        >>> fit_similarity(square, 2 * square + (10, 20)).round(6).tolist()
        [[2.0, -0.0, 10.0], [0.0, 2.0, 20.0]]
    """
    a = np.asarray(source, float) @ (1, 1j)
    b = np.asarray(target, float) @ (1, 1j)
    centred = a - a.mean()
    spread = np.vdot(centred, centred).real
    if not np.isfinite(spread) or spread <= 1e-9:
        raise ValueError(f'no transform fits: the points {source} coincide')
    turn = np.vdot(centred, b) / spread
    shift = b.mean() - turn * a.mean()
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    )


def align_face(
    image: np.ndarray,
    points: np.ndarray,
    size: int = 112,
    template: np.ndarray = ARCFACE,
) -> np.ndarray:
    """Crop a face by the similarity transform to a template.

    Faces that are larger than the result are averaged to avoid aliasing. Outside of the
    image, its edge is repeated.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        points: (5, 2) in pixels of the image, which must not coincide.
        size: Side of the result in pixels.
        template: (5, 2), as fractions of the side.

    Returns:
        uint8 (size, size, 3) or (size, size).

    Examples:
        >>> image = np.zeros((200, 300, 3), np.uint8)
        >>> eyes, mouth = [(120, 80), (160, 80)], [(125, 125), (155, 125)]
        >>> points = np.array([*eyes, (140, 105), *mouth])
        >>> align_face(image, points, size=112).shape
        (112, 112, 3)
    """
    # from centres to corners of pixels: fractions of a side then fit every size
    matrix = fit_similarity(np.asarray(points, float) + 0.5, template * size)
    scale = float(np.hypot(*matrix[:, 0]))
    factor = max(int(1 / scale), 1)
    matrix *= factor  # warpAffine samples single pixels: average a larger crop
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    sides = (size * factor, size * factor)
    cut = cv2.warpAffine(image, matrix, sides, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return cut


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
        size, template: See :func:`align_face`.
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
