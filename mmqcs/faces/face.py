"""Faces and their detectors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np


@dataclass(frozen=True)
class Face:
    """Position of a face in an image.

    Args:
        box: (left, top, right, bottom) in pixels, float (4,).
        score: Confidence of the detector, on its own scale.
        points: Float (5, 2), x and y in pixels: left eye, right eye, tip of the nose,
            left and right corner of the mouth, where left and right refer to the image.
            None if unknown.

    Examples:
        >>> face = Face(box=np.array([10.0, 20.0, 50.0, 70.0]), score=0.9)
        >>> face.area, face.points
        (2000.0, None)
    """

    box: np.ndarray
    score: float
    points: np.ndarray | None = None

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return float((right - left) * (bottom - top))


class FaceDetector(Protocol):
    """Interface of face detectors: any object with this method.

    If a detector also has a method ``detect_batch`` that returns the faces of several
    images, as :class:`MTCNNDetector` has, it is called for the images of a batch.

    Examples:
        >>> from mmqcs.apis import FERInferencer
        >>> class Middle:  # a custom detector
        ...     def detect(self, image):
        ...         size = np.array(image.shape[1::-1] * 2)
        ...         return [Face(size * (0.25, 0.25, 0.75, 0.75), 1.0)]
        >>> infer = FERInferencer('work_dirs/qcs.pth', faces=Middle())
        >>> len(infer('group.png')[0].faces)
        1
    """

    def detect(self, image: np.ndarray) -> Sequence[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""


class WholeImage:
    """Takes the whole image as one face that has been cropped and aligned before.

    Examples:
        >>> (face,) = WholeImage().detect(np.zeros((100, 120, 3), np.uint8))
        >>> face.box.tolist()
        [0.0, 0.0, 120.0, 100.0]
    """

    def detect(self, image: np.ndarray) -> list[Face]:
        """Return one face with the size of the image, score 1 and no points."""
        height, width = image.shape[:2]
        return [Face(np.array([0.0, 0.0, width, height]), 1.0)]


def reduce_to(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Reduce an image to a maximum side length; also return the scale, at most 1."""
    scale = min(max_side / max(image.shape[:2]), 1.0)
    if scale < 1:
        image = cv2.resize(image, None, None, scale, scale, cv2.INTER_AREA)
    return image, scale


def largest_first(faces: Iterable[Face], width: int, height: int) -> list[Face]:
    """Clip boxes to the image, drop boxes outside of it, and sort.

    The order is by area, then score, then from left to right.
    """
    kept = []
    for face in faces:
        box = np.clip(np.asarray(face.box, float), 0, (width, height, width, height))
        if (box[2:] - box[:2] >= 1).all():
            kept.append(Face(box, float(face.score), face.points))
    return sorted(kept, key=lambda face: (-face.area, -face.score, *face.box))
