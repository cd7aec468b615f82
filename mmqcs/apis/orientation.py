"""Images that are turned: faces are found in another orientation."""

from collections.abc import Sequence

import numpy as np

from mmqcs.faces import Face, FaceDetector

CERTAIN = 0.998
"""Score of a face that makes an image upright.

MTCNN scored the best face of 7 photographs at 0.999 or more, and at 0.993 or less after
a turn by 90°, 180° or 270°. It also finds faces, with upright points, in turned ones.
"""

_MARGIN = 1.0  # between the log-odds of two orientations


def other_orientation(
    image: np.ndarray, faces: Sequence[Face], detector: FaceDetector
) -> str | None:
    """Tell how an image must be turned if its faces are not upright.

    Args:
        image: BGR, uint8 (H, W, 3).
        faces: Faces that were found in it, with scores from 0 to 1.
        detector: Finds faces in the turned image. It is only called if no face of the
            image is certain.

    Returns:
        A sentence, if another orientation has better faces, else None.
    """
    score = _best(faces)
    if score >= CERTAIN:
        return None
    best, degrees = _odds(score) + _MARGIN, ''
    found: Sequence[Face] = ()
    for turns, angle in ((2, '180°'), (1, '90° to the left'), (3, '90° to the right')):
        others = detector.detect(np.ascontiguousarray(np.rot90(image, turns)))
        if _odds(_best(others)) > best:
            best, degrees, found = _odds(_best(others)), angle, others
    if not found:
        return None
    faces_of = '1 face' if len(found) == 1 else f'{len(found)} faces'
    return f'no upright face; {faces_of} if the image is turned by {degrees}'


def _best(faces: Sequence[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def _odds(score: float) -> float:
    """Return log-odds of a score, at least those of 0.5."""
    score = float(np.clip(score, 0.5, 1 - 1e-6))
    return float(np.log(score / (1 - score)))
