"""The Haar cascade of OpenCV 4, which needs no download."""

import cv2
import numpy as np

from .alignment import points_from_eyes
from .cascade_file import load_cascade
from .eyes import EYES_IN_BOX, EyeFinder
from .face import Face, largest_first

__all__ = ['CascadeDetector']


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
        ValueError: An argument is out of range.

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
        self._find_eyes = EyeFinder(EYES_IN_BOX)

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, the largest first.

        Args:
            image: BGR, uint8 (H, W, 3).
        """
        height, width = image.shape[:2]
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = min(self.max_side / max(height, width), 1.0)
        small = grey
        if scale < 1:
            small = cv2.resize(
                grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
            )
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
