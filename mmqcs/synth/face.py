"""The posed face: its landmarks and curves in pixels of the canvas."""

from dataclasses import dataclass

import numpy as np

from .action_units import displacements, fold_depths
from .geometry import INDEX, Projector, indices, spline
from .identity import Identity
from .unit import FOLDS

__all__ = ['Face', 'pose_face']

# folds that age alone gives a face, at full age
_AGED = {
    'front': 0.5,
    'frown': 0.25,
    'naso': 0.75,
    'crow': 0.55,
    'bag': 0.8,
    'sulk': 0.4,
    'chin': 0.15,
}
_AGE = np.array([_AGED.get(fold, 0.0) for fold in FOLDS])


@dataclass
class Face:
    """A face that is ready to be drawn.

    Args:
        identity: Whose face it is.
        points: Landmarks (2, K, 3) of the left and the right half as seen in
            the picture, in units of the face.
        pixels: The same in pixels of the canvas (2, K, 2).
        folds: Depths (2, folds) of the folds of each half.
        project: From the face to the canvas.
    """

    identity: Identity
    points: np.ndarray
    pixels: np.ndarray
    folds: np.ndarray
    project: Projector

    @property
    def unit(self) -> float:
        """Pixels for half of the face's width."""
        return self.project.unit

    def half(self, side: int, *names: str) -> np.ndarray:
        """Pixels (N, 2) of landmarks of one half, 0 the left, 1 the right."""
        return self.pixels[side, indices(names)]

    def at(self, side: int, name: str) -> np.ndarray:
        """Pixel (2,) of one landmark."""
        return self.pixels[side, INDEX[name]]

    def across(self, *names: str) -> np.ndarray:
        """Pixels (2N - 1, 2) from the left half to the right.

        Args:
            names: Landmarks from the outside to the middle line.
        """
        rows = indices(names)
        return np.concatenate((self.pixels[0, rows], self.pixels[1, rows[-2::-1]]))

    def curve(self, side: int, *names: str, steps: int = 5) -> np.ndarray:
        """Spline through landmarks of one half."""
        return spline(self.half(side, *names), steps)

    def arch(self, *names: str, steps: int = 4) -> np.ndarray:
        """Spline from the left half over the middle line to the right."""
        return spline(self.across(*names), steps)

    def fold(self, side: int, name: str) -> float:
        """Depth of a fold of one half, 0 to about 1.5."""
        return float(self.folds[side, FOLDS.index(name)])

    def ring(self, points: np.ndarray, depth: float = 0.0) -> np.ndarray:
        """Projects points (N, 2) of the face's plane at one depth."""
        flat = np.concatenate((points, np.full((len(points), 1), depth)), axis=1)
        return self.project(flat)


def pose_face(
    identity: Identity, intensities: np.ndarray, project: Projector, gaze: tuple
) -> Face:
    """Gives an identity an expression and a pose.

    Args:
        identity: Whose face it is.
        intensities: Intensities of the action units, (2, units).
        project: The pose.
        gaze: Shift of the irises (right, down) in half widths of the face.

    Returns:
        The face.
    """
    points = np.stack((identity.points, identity.points))
    points[:, :, :2] += displacements(intensities)
    points[0, :, 0] *= -1.0
    iris = INDEX['iris']
    points[:, iris, :2] += gaze
    # the two halves agree on the middle line
    middle = [row for name, row in INDEX.items() if name.endswith('_mid')]
    points[:, middle] = points[:, middle].mean(axis=0)
    # the lips may touch but not cross
    for up, low in (('mouth_up_1', 'mouth_low_1'), ('mouth_up_mid', 'mouth_low_mid')):
        gap = points[:, INDEX[low], 1] - points[:, INDEX[up], 1]
        points[:, INDEX[low], 1] += np.maximum(0.004 - gap, 0.0)
    folds = fold_depths(intensities) + identity.age * _AGE
    return Face(identity, points, project(points), folds, project)
