"""Results of inference: faces and expressions of an image."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mmqcs.faces import Face


@dataclass(frozen=True)
class FaceExpression:
    """A face and its expression.

    Args:
        face: Box and points.
        label: Class with the highest score.
        name: Name of this class.
        scores: Scores of all classes, (classes,), which sum to 1.
        track: Number of the face, from 1, the same in all frames of a video; None for
            images.
        raw_scores: Scores of this frame alone, if ``scores`` are smoothed.

    Examples:
        >>> from mmqcs.faces import Face
        >>> face = Face(np.array([10.0, 20.0, 50.0, 70.0]), score=0.9)
        >>> found = FaceExpression(face, 1, 'Happy', scores=np.array([0.25, 0.75]))
        >>> found.name, found.score
        ('Happy', 0.75)
    """

    face: Face
    label: int
    name: str
    scores: np.ndarray
    track: int | None = None
    raw_scores: np.ndarray | None = None

    @property
    def score(self) -> float:
        """Score of the class, from 0 to 1."""
        return float(self.scores[self.label])


@dataclass(frozen=True)
class ImageResult:
    """All faces of an image.

    Args:
        source: Name of the input.
        classes: Class names, in the order of the scores.
        faces: Faces, the largest first.
        size: (width, height) of the image in pixels; None if it was not read.
        index: Index of the frame in a video, an animation or a file of several pages.
        time: Time of the frame in seconds, or None.
        error: Why the image could not be read, or None.
        note: Why there are no faces, if the image is not upright, or None.
        rate: Frames per second of the video, or None.
        image: BGR, uint8 (H, W, 3), if requested.

    Examples:
        >>> result = ImageResult('group.png', classes=('Sad', 'Happy'), size=(320, 240))
        >>> result.to_dict()['faces']
        []
    """

    source: str
    classes: tuple[str, ...]
    faces: tuple[FaceExpression, ...] = ()
    size: tuple[int, int] | None = None
    index: int | None = None
    time: float | None = None
    error: str | None = None
    note: str | None = None
    rate: float | None = None
    image: np.ndarray | None = field(default=None, repr=False, compare=False)

    def without_image(self) -> 'ImageResult':
        """Return the result without its image, which may be large."""
        return replace(self, image=None)

    def continues(self, before: 'ImageResult') -> bool:
        """Return whether this is a later frame of the same video."""
        if self.time is None or before.time is None or self.source != before.source:
            return False
        return self.time > before.time

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the image, for JSON; pixels have one decimal."""
        faces = []
        for item in self.faces:
            pairs = zip(self.classes, item.scores, strict=True)
            face = {
                'track': item.track,
                'box': _rounded(item.face.box),
                'points': _rounded(item.face.points),
                'detection_score': round(item.face.score, 4),
                'label': item.label,
                'name': item.name,
                'scores': {name: round(float(score), 6) for name, score in pairs},
            }
            faces.append(face)
        keys: dict = {'frame': self.index, 'time': self.time, 'size': self.size}
        keys |= {'error': self.error, 'note': self.note}
        return {'source': self.source, **keys, 'faces': faces}


def _rounded(values: np.ndarray | None) -> list[Any] | None:
    return None if values is None else np.round(np.asarray(values, float), 1).tolist()
