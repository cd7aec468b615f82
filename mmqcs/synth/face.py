"""A face with its expression and pose: landmarks and curves in pixels."""

from dataclasses import dataclass

import numpy as np

from .action_units import FOLDS, displacements, fold_depths
from .geometry import INDEX, Projector, indices, spline
from .identity import Identity

# depths of the folds that come from age alone, at the highest age
_AGED = dict(front=0.5, frown=0.25, naso=0.75, crow=0.55, bag=0.8, sulk=0.4, chin=0.15)
_AGE = np.array([_AGED.get(fold, 0.0) for fold in FOLDS])


@dataclass
class Face:
    """A face that is ready to be painted.

    Arrays start with the left half as seen in the image, then the right half.
    """

    identity: Identity
    points: np.ndarray  # landmarks (2, K, 3) in units of the face
    pixels: np.ndarray  # the same landmarks in pixels of the canvas, (2, K, 2)
    folds: np.ndarray  # depths (2, folds)
    project: Projector  # from the face to the canvas

    @property
    def unit(self) -> float:
        """Half the width of the face in pixels."""
        return self.project.unit

    def half(self, side: int, *names: str) -> np.ndarray:
        """Return landmarks (N, 2) of the left (0) or the right (1) half in pixels."""
        return self.pixels[side, indices(names)]

    def at(self, side: int, name: str) -> np.ndarray:
        """Return one landmark (2,) in pixels."""
        return self.pixels[side, INDEX[name]]

    def across(self, *names: str) -> np.ndarray:
        """Return landmarks, named from the outside to the middle line, of both halves.

        (2N - 1, 2) in pixels, from the left to the right.
        """
        rows = indices(names)
        return np.concatenate((self.pixels[0, rows], self.pixels[1, rows[-2::-1]]))

    def curve(self, side: int, *names: str, steps: int = 5) -> np.ndarray:
        """Return a spline through landmarks of one half."""
        return spline(self.half(side, *names), steps)

    def arch(self, *names: str, steps: int = 4) -> np.ndarray:
        """Return a spline from the left half over the middle line to the right."""
        return spline(self.across(*names), steps)

    def fold(self, side: int, name: str) -> float:
        """Return the depth of a fold of one half, from 0 to about 1.5."""
        return float(self.folds[side, FOLDS.index(name)])

    def ring(self, points: np.ndarray, depth: float = 0.0) -> np.ndarray:
        """Project points (N, 2) of the plane of the face at a depth."""
        flat = np.concatenate((points, np.full((len(points), 1), depth)), axis=1)
        return self.project(flat)


def pose_face(
    identity: Identity, intensities: np.ndarray, project: Projector, gaze: tuple
) -> Face:
    """Give a person an expression, and the pose of the projection."""
    points = np.stack((identity.points, identity.points))
    points[:, :, :2] += displacements(intensities)
    points[0, :, 0] *= -1.0
    points[:, INDEX['iris'], :2] += gaze
    # both halves must agree on the middle line
    middle = [row for name, row in INDEX.items() if name.endswith('_mid')]
    points[:, middle] = points[:, middle].mean(axis=0)
    # the lips may touch but not cross
    for up, low in (('mouth_up_1', 'mouth_low_1'), ('mouth_up_mid', 'mouth_low_mid')):
        gap = points[:, INDEX[low], 1] - points[:, INDEX[up], 1]
        points[:, INDEX[low], 1] += np.maximum(0.004 - gap, 0.0)
    folds = fold_depths(intensities) + identity.age * _AGE
    return Face(identity, points, project(points), folds, project)
