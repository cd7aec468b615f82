"""A face that was found in a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

__all__ = ['Face', 'FaceDetector', 'largest_first']

PointSource = Literal['detector', 'eyes', 'box']


@dataclass(frozen=True)
class Face:
    """Where a face is.

    Args:
        box: (left, top, right, bottom) in pixels of the picture, (4,) float.
        score: How sure the detector is; the scale is the detector's own.
        points: (5, 2) float, x and y in pixels: the eye at the left of the picture,
            the eye at the right, the tip of the nose, the corner of the mouth at the
            left, the one at the right. None where nothing says where they are.
        points_from: Where the points come from: the detector itself; two eyes that
            were found in the box, the other three following from these; or the box
            alone, the points lying where they do on average.

    Examples:
        >>> face = Face(box=np.array([10.0, 20.0, 50.0, 70.0]), score=0.9)
        >>> face.area, face.points
        (2000.0, None)
    """

    box: np.ndarray
    score: float
    points: np.ndarray | None = None
    points_from: PointSource | None = None

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        left, top, right, bottom = self.box
        return float((right - left) * (bottom - top))


class FaceDetector(Protocol):
    """What finds faces; anything with this method will do.

    Examples:
        >>> from mmqcs.apis import FERInferencer
        >>> class Middle:  # a detector of one's own
        ...     def detect(self, image):
        ...         size = np.array(image.shape[1::-1] * 2)
        ...         return [Face(size * (0.25, 0.25, 0.75, 0.75), 1.0)]
        >>> infer = FERInferencer('work_dirs/qcs.pth', faces=Middle())
        >>> len(infer('group.png')[0].faces)
        1
    """

    def detect(self, image: np.ndarray) -> Sequence[Face]:
        """Finds the faces of a picture, the largest first.

        Args:
            image: BGR, uint8 (H, W, 3).
        """


def largest_first(faces: Iterable[Face], width: int, height: int) -> list[Face]:
    """Clips boxes to the picture, drops those without a part in it, and sorts.

    Args:
        faces: In any order.
        width: Of the picture in pixels.
        height: Of the picture in pixels.

    Returns:
        The faces with clipped boxes, the largest area first; ties by score, then by
        place from left to right.
    """
    kept = []
    for face in faces:
        box = np.clip(np.asarray(face.box, float), 0, (width, height, width, height))
        if (box[2:] - box[:2] >= 1).all():
            kept.append(Face(box, float(face.score), face.points, face.points_from))
    return sorted(kept, key=lambda face: (-face.area, -face.score, *face.box))
