"""The Haar cascades of OpenCV 4, which need no download."""

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from .alignment import points_from_eyes
from .face import Face, largest_first, reduce_to

EYES_IN_BOX = np.array([(0.296, 0.382), (0.683, 0.385)])
"""Mean positions of the eyes in boxes of the frontal face cascade.

Fractions of the sides of the box; medians over 210 photographs of FER2013 in which one
face and two eyes were found.
"""

_SIDE = 200  # side in pixels to which faces are scaled before eyes are searched


class CascadeDetector:
    """Finds frontal faces with the Haar cascade of OpenCV.

    The cascade is fast and small, but only finds upright frontal faces in good light.
    For other faces, use :class:`YuNetDetector` or :class:`MMDetDetector`. It returns
    boxes; points are estimated from two eyes found in the box, or from the box if no
    eyes are found.

    Args:
        score_thr: Minimum score of a face. Scores of the cascade are sums over its
            windows, from about 10 (doubtful) to 100 (certain).
        min_size: Minimum side of a face, as a fraction of the shorter side of the
            image, but at least 24 pixels.
        max_side: Images with a longer side are reduced to this for detection.

    Raises:
        ImportError: OpenCV has no cascades.

    Examples:
        >>> image = cv2.imread('group.png')
        >>> [face.points_from for face in CascadeDetector().detect(image)]
        ['eyes', 'eyes', 'eyes']
    """

    def __init__(
        self, score_thr: float = 15.0, min_size: float = 0.05, max_side: int = 1280
    ) -> None:
        if not 0 <= min_size <= 1:
            raise ValueError(f'min_size must be from 0 to 1, got {min_size}')
        if max_side < 64:
            raise ValueError(f'max_side must be at least 64, got {max_side}')
        self.score_thr = score_thr
        self.min_size = min_size
        self.max_side = max_side
        self._cascade = load_cascade('haarcascade_frontalface_alt2.xml')
        self._find_eyes = EyeFinder()

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""
        height, width = image.shape[:2]
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        small, scale = reduce_to(grey, self.max_side)
        least = max(round(self.min_size * min(small.shape)), 24)
        boxes, _, scores = self._cascade.detectMultiScale3(
            small, 1.1, 3, minSize=(least, least), outputRejectLevels=True
        )
        faces = []
        for box, score in zip(boxes, np.ravel(scores), strict=True):
            if score < self.score_thr:
                continue
            x, y, w, h = np.asarray(box) / scale
            corners = np.array([x, y, x + w, y + h])
            eyes, source = self._find_eyes(grey, corners), 'eyes'
            if eyes is None:
                eyes, source = EYES_IN_BOX * (w, h) + (x, y), 'box'
            faces.append(Face(corners, float(score), points_from_eyes(eyes), source))
        return largest_first(faces, width, height)


def choose_pair(
    eyes: np.ndarray, expected: np.ndarray = EYES_IN_BOX, tolerance: float = 0.12
) -> np.ndarray | None:
    """Choose the most plausible pair, left and right, of eyes (N, 2) in a unit box.

    Each eye is at most ``tolerance`` away from its ``expected`` position.
    """
    best, least = None, np.inf
    for pair in combinations(eyes, 2):
        ordered = np.array(sorted(pair, key=lambda eye: eye[0]))
        away = np.linalg.norm(ordered - expected, axis=1)
        if (away <= tolerance).all() and away.sum() < least:
            best, least = ordered, away.sum()
    return best


class EyeFinder:
    """Finds eyes at their expected positions in a box, see :func:`choose_pair`."""

    def __init__(self, expected: np.ndarray = EYES_IN_BOX) -> None:
        self.expected = np.asarray(expected, float)
        self._cascades = [
            load_cascade('haarcascade_eye_tree_eyeglasses.xml'),
            load_cascade('haarcascade_eye.xml'),
        ]

    def __call__(self, grey: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """Return the eyes in a box of a grey image, (2, 2) in pixels, or None."""
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


def has_cascades() -> bool:
    """Return whether OpenCV has cascades: OpenCV 4 does, OpenCV 5 does not."""
    folder = Path(cv2.data.haarcascades)
    return hasattr(cv2, 'CascadeClassifier') and any(folder.glob('*.xml'))


def load_cascade(name: str) -> 'cv2.CascadeClassifier':
    """Load a cascade, or raise an ``ImportError`` if OpenCV does not have it."""
    path = Path(cv2.data.haarcascades, name)
    if not (has_cascades() and path.is_file()):
        raise ImportError(
            f'OpenCV {cv2.__version__} does not contain the cascade {name}; OpenCV 5 '
            f"has no cascades. Install OpenCV 4 (pip install 'opencv-python<5'), or "
            f'choose another face detector: YuNet, a detector of MMDetection, or none '
            f'for images that are cropped faces'
        )
    return cv2.CascadeClassifier(str(path))
