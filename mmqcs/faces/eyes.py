"""Detection of two eyes in the box of a face."""

from itertools import combinations

import cv2
import numpy as np

from .cascade_file import load_cascade

__all__ = ['EYES_IN_BOX', 'EyeFinder', 'choose_pair']

EYES_IN_BOX = np.array([(0.296, 0.382), (0.683, 0.385)])
"""Mean positions of the eyes in boxes of the frontal face cascade.

Fractions of the sides of the box; medians over 210 photographs of FER2013 in which one
face and two eyes were found.
"""

_SIDE = 200  # side in pixels to which faces are scaled before eyes are searched


def choose_pair(
    eyes: np.ndarray, expected: np.ndarray = EYES_IN_BOX, tolerance: float = 0.12
) -> np.ndarray | None:
    """Choose the most plausible pair of eyes.

    Args:
        eyes: Candidates (N, 2), as fractions of the sides of the box.
        expected: Mean positions (2, 2) of the left and the right eye.
        tolerance: Maximum distance of each eye from its mean position.

    Returns:
        (2, 2), left and right, or None if no pair is plausible.
    """
    best, least = None, np.inf
    for pair in combinations(eyes, 2):
        ordered = np.array(sorted(pair, key=lambda eye: eye[0]))
        away = np.linalg.norm(ordered - expected, axis=1)
        if (away <= tolerance).all() and away.sum() < least:
            best, least = ordered, away.sum()
    return best


class EyeFinder:
    """Finds eyes with the cascades of OpenCV 4.

    Args:
        expected: Mean positions (2, 2) of the eyes, as fractions of the sides of a box.

    Raises:
        ImportError: OpenCV has no cascades.
    """

    def __init__(self, expected: np.ndarray = EYES_IN_BOX) -> None:
        self.expected = np.asarray(expected, float)
        self._cascades = [
            load_cascade('haarcascade_eye_tree_eyeglasses.xml'),
            load_cascade('haarcascade_eye.xml'),
        ]

    def __call__(self, grey: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Find the eyes of a face.

        Args:
            grey: Grey image, uint8 (H, W).
            box: (left, top, right, bottom) of the face in pixels.

        Returns:
            (2, 2) in pixels of the image, left and right, or None.
        """
        left, top, right, bottom = np.asarray(box, float)
        # eyes are in the upper 60 % of a face
        x, y = max(round(left), 0), max(round(top), 0)
        region = grey[y : round(top + 0.6 * (bottom - top)), x : round(right)]
        if min(region.shape) < 8:
            return None
        scale = _SIDE / (right - left)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        region = cv2.resize(region, None, fx=scale, fy=scale, interpolation=way)
        # the crop starts at whole pixels within the image, unlike the box
        start = np.array([x, y])
        sides = np.array([right - left, bottom - top])
        for cascade in self._cascades:
            found = cascade.detectMultiScale(
                region, 1.05, 4, minSize=(_SIDE // 8, _SIDE // 8)
            )
            if len(found) < 2:
                continue
            centres = (found[:, :2] + found[:, 2:] / 2) / scale + start
            pair = choose_pair((centres - (left, top)) / sides, self.expected)
            if pair is not None:
                return pair * sides + (left, top)
        return None
