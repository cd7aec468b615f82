"""Faces cut out upright, eyes and mouth in the same place on each."""

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = [
    'ARCFACE',
    'align_face',
    'check_template',
    'fit_similarity',
    'points_from_eyes',
]

ARCFACE = (
    np.array(
        [
            (38.2946, 51.6963),
            (73.5318, 51.5014),
            (56.0252, 71.7366),
            (41.5493, 92.3655),
            (70.7299, 92.2041),
        ]
    )
    / 112
)
"""Five points (5, 2) of the ArcFace template for 112 pixels, as fractions of the side.

Eyes, tip of the nose, corners of the mouth, each pair from left to right in the picture
(Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2019).
"""


def check_template(points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """A template as an array, or a clear error.

    Args:
        points: Five (x, y) as fractions of the side of the cut-out face.

    Returns:
        (5, 2) float.

    Raises:
        ValueError: It is not that.
    """
    try:
        template = np.array(points, float)
    except (TypeError, ValueError):
        template = np.empty(0)
    if template.shape != (5, 2) or not np.isfinite(template).all():
        raise ValueError(
            f'a face template is five (x, y): eyes, nose and corners of the mouth, as '
            f'fractions of the side of the face; got {points!r}'
        )
    if np.abs(template).max() > 2:
        raise ValueError(
            f'a face template is given in fractions of the side, not in pixels; got '
            f'{points!r}'
        )
    return template


def fit_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scaling and shift that best bring points onto others.

    Least squares over all similarity transforms without reflection (Umeyama,
    Least-Squares Estimation of Transformation Parameters Between Two Point Patterns,
    1991). In the plane it has a closed form: with points as complex numbers, it is a
    complex regression line.

    Args:
        source: (N, 2), N ≥ 2.
        target: (N, 2).

    Returns:
        (2, 3), as OpenCV's ``warpAffine`` takes it.

    Raises:
        ValueError: The points of the source coincide, or are not finite.

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


def points_from_eyes(eyes: np.ndarray, template: np.ndarray = ARCFACE) -> np.ndarray:
    """Five points of a face of which the eyes are known.

    Nose and mouth are put where the template has them relative to the eyes.

    Args:
        eyes: (2, 2), left and right in the picture, in pixels.
        template: (5, 2), in any unit.

    Returns:
        (5, 2) in pixels.
    """
    matrix = fit_similarity(template[:2], eyes)
    return template @ matrix[:, :2].T + matrix[:, 2]


def align_face(
    image: np.ndarray,
    points: np.ndarray,
    size: int = 112,
    template: np.ndarray = ARCFACE,
) -> np.ndarray:
    """Cuts a face out by the similarity transform to a template.

    Before it is sampled, a face larger than the result is averaged, so that it does
    not alias. What lies outside of the picture repeats its edge.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        points: (5, 2) in pixels of the image.
        size: Side of the result in pixels.
        template: (5, 2), as fractions of the side.

    Returns:
        uint8 (size, size, 3) or (size, size).

    Raises:
        ValueError: The points coincide.

    Examples:
        >>> image = np.zeros((200, 300, 3), np.uint8)
        >>> eyes, mouth = [(120, 80), (160, 80)], [(125, 125), (155, 125)]
        >>> points = np.array([*eyes, (140, 105), *mouth])
        >>> align_face(image, points, size=112).shape
        (112, 112, 3)
    """
    # to corners of pixels, where a fraction of a side means the same at any size
    matrix = fit_similarity(np.asarray(points, float) + 0.5, template * size)
    scale = float(np.hypot(*matrix[:, 0]))
    factor = max(int(1 / scale), 1)
    if factor > 1:
        # OpenCV samples single pixels: larger first, then the mean over squares
        matrix *= factor
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    side = size * factor
    cut = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if factor > 1:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return cut
