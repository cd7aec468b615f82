"""Landmarks of the face at rest, splines through them, and their projection.

Coordinates are in units of half the width of the face. The origin is between the eyes,
x points away from the middle of the face (only one half is described, the other is its
mirror image), y points down, and z points towards the viewer.
"""

import math
from functools import cache

import numpy as np

# fmt: off
# name: (x, y, depth above the ellipsoid of the head); names that end in "_mid" are on
# the middle line
LANDMARKS: dict[str, tuple[float, float, float]] = {
    # centre line of the brow, from the nose outwards
    'brow_0': (0.150, -0.385, 0.06), 'brow_1': (0.290, -0.440, 0.06),
    'brow_2': (0.450, -0.470, 0.05), 'brow_3': (0.610, -0.445, 0.03),
    'brow_4': (0.735, -0.365, 0.00),
    # opening of the eye
    'eye_in': (0.215, -0.110, -0.03), 'lid_up_1': (0.290, -0.192, 0.0),
    'lid_up_2': (0.395, -0.222, 0.0), 'lid_up_3': (0.505, -0.190, 0.0),
    'eye_out': (0.590, -0.122, -0.03), 'lid_low_1': (0.300, -0.066, 0.0),
    'lid_low_2': (0.400, -0.044, 0.0), 'lid_low_3': (0.500, -0.064, 0.0),
    'iris': (0.400, -0.140, 0.0), 'crease_1': (0.255, -0.205, 0.0),
    'crease_2': (0.395, -0.282, 0.0), 'crease_3': (0.560, -0.225, 0.0),
    # folds under the eye and at its outer corner
    'bag_1': (0.270, 0.000, 0.0), 'bag_2': (0.400, 0.045, 0.0),
    'bag_3': (0.530, 0.005, 0.0), 'crow_0': (0.665, -0.125, 0.0),
    'crow_1': (0.800, -0.215, 0.0), 'crow_2': (0.825, -0.115, 0.0),
    'crow_3': (0.790, -0.010, 0.0),
    # nose
    'nose_root': (0.095, -0.150, 0.05), 'nose_side': (0.085, 0.130, 0.15),
    'nose_wing': (0.180, 0.330, 0.12), 'nose_wing_top': (0.140, 0.235, 0.14),
    'nostril': (0.085, 0.385, 0.22), 'nose_tip_mid': (0.0, 0.310, 0.32),
    'nose_base_mid': (0.0, 0.410, 0.24), 'wrinkle_a_1': (0.020, -0.115, 0.10),
    'wrinkle_a_2': (0.105, -0.060, 0.06), 'wrinkle_b_1': (0.025, -0.030, 0.12),
    'wrinkle_b_2': (0.120, 0.030, 0.06),
    # fold from the wing of the nose to the corner of the mouth
    'naso_0': (0.205, 0.290, 0.03), 'naso_1': (0.295, 0.410, 0.03),
    'naso_2': (0.375, 0.560, 0.02), 'naso_3': (0.425, 0.730, 0.0),
    # mouth
    'mouth_corner': (0.310, 0.735, 0.02), 'lip_top_2': (0.200, 0.688, 0.05),
    'lip_top_1': (0.068, 0.650, 0.08), 'lip_top_mid': (0.0, 0.668, 0.08),
    'mouth_up_1': (0.170, 0.730, 0.05), 'mouth_up_mid': (0.0, 0.738, 0.07),
    'mouth_low_1': (0.170, 0.732, 0.05), 'mouth_low_mid': (0.0, 0.742, 0.07),
    'lip_base_1': (0.190, 0.806, 0.05), 'lip_base_mid': (0.0, 0.842, 0.07),
    # fold below the corner of the mouth, dimple, chin
    'sulk_1': (0.350, 0.770, 0.0), 'sulk_2': (0.410, 0.900, 0.0),
    'dimple_1': (0.415, 0.670, 0.0), 'dimple_2': (0.425, 0.790, 0.0),
    'chin_fold_1': (0.150, 0.955, 0.02), 'chin_fold_mid': (0.0, 0.930, 0.03),
    'chin_boss_mid': (0.0, 1.080, 0.06),
    # forehead and the root of the nose
    'front_a_1': (0.250, -0.660, 0.0), 'front_a_2': (0.520, -0.625, 0.0),
    'front_a_mid': (0.0, -0.650, 0.0), 'front_b_1': (0.240, -0.770, 0.0),
    'front_b_2': (0.470, -0.745, 0.0), 'front_b_mid': (0.0, -0.760, 0.0),
    'frown_1': (0.065, -0.440, 0.04), 'frown_2': (0.050, -0.270, 0.04),
    # outline
    'skull_mid': (0.0, -1.340, 0.0), 'skull_1': (0.440, -1.270, 0.0),
    'skull_2': (0.760, -1.020, 0.0), 'skull_3': (0.925, -0.620, 0.0),
    'jaw_0': (0.960, -0.200, 0.0), 'jaw_1': (0.945, 0.180, 0.0),
    'jaw_2': (0.880, 0.540, 0.0), 'jaw_3': (0.720, 0.870, 0.0),
    'jaw_4': (0.440, 1.120, 0.0), 'jaw_5': (0.190, 1.215, 0.0),
    'chin_mid': (0.0, 1.235, 0.0),
}
# fmt: on

INDEX: dict[str, int] = {name: i for i, name in enumerate(LANDMARKS)}
"""Row of each landmark."""


@cache
def indices(names: tuple[str, ...]) -> np.ndarray:
    """Return the rows of the named landmarks."""
    return np.array([INDEX[name] for name in names])


def _group(*prefixes: str) -> np.ndarray:
    return np.array([i for name, i in INDEX.items() if name.startswith(prefixes)])


GROUPS: dict[str, np.ndarray] = {
    'brow': _group('brow', 'frown'),
    'eye': _group('eye', 'lid', 'iris', 'crease', 'bag'),
    'crow': _group('crow'),
    'nose': _group('nose', 'nostril', 'wrinkle'),
    'mouth': _group('mouth', 'lip', 'sulk', 'dimple'),
    'chin': _group('chin', 'jaw_5'),
    'skull': _group('skull'),
}
"""Rows of the landmarks that an identity moves together."""


def ellipsoid_depth(points: np.ndarray) -> np.ndarray:
    """Return the depth of the ellipsoid of the head under points (..., 2)."""
    x, y = points[..., 0], points[..., 1] - 0.05
    return 0.75 * np.sqrt(np.maximum(1.0 - x * x - (y / 1.5) ** 2, 0.0))


def rest_points() -> np.ndarray:
    """Return the landmarks (K, 3) of one half of an average face at rest."""
    points = np.array(list(LANDMARKS.values()))
    points[:, 2] += ellipsoid_depth(points[:, :2])
    return points


@cache
def _spline_basis(count: int, steps: int, closed: bool) -> np.ndarray:
    """Return the matrix from control points to points of a Catmull-Rom spline."""
    pieces = count if closed else count - 1
    basis = np.zeros((pieces * steps + (not closed), count))
    for row in range(len(basis)):
        piece = min(row // steps, pieces - 1)
        t = row / steps - piece
        weights = (
            -0.5 * t + t * t - 0.5 * t**3,
            1.0 - 2.5 * t * t + 1.5 * t**3,
            0.5 * t + 2.0 * t * t - 1.5 * t**3,
            -0.5 * t * t + 0.5 * t**3,
        )
        for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
            at = piece + offset
            at = at % count if closed else min(max(at, 0), count - 1)
            basis[row, at] += weight
    return basis


def spline(points: np.ndarray, steps: int = 5, closed: bool = False) -> np.ndarray:
    """Return points of a Catmull-Rom spline.

    It passes through the control points (K, D), and has ``steps`` points for each:
    (K * steps, D) if closed, else ((K - 1) * steps + 1, D).
    """
    return _spline_basis(len(points), steps, closed) @ points


def stroke_outline(points: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the outline (2N, 2) of a stroke along (N, 2) with full widths (N,)."""
    along = np.empty_like(points)
    along[1:-1] = points[2:] - points[:-2]
    along[0] = points[1] - points[0]
    along[-1] = points[-1] - points[-2]
    length = np.sqrt((along * along).sum(axis=1, keepdims=True)) + 1e-9
    normal = along[:, ::-1] * (-0.5, 0.5) / length
    normal = normal * widths[:, None]
    return np.concatenate((points + normal, (points - normal)[::-1]))


class Projector:
    """Projects points of the face to pixels of a canvas of ``size`` pixels.

    Scale (half the width of the face) and shift (right, down) are fractions of the
    canvas. Yaw (to the side), pitch (nod) and roll (in the image plane) are in radians.
    """

    def __init__(
        self,
        size: int,
        scale: float = 0.355,
        shift: tuple[float, float] = (0.0, 0.0),
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        cy, sy = math.cos(yaw), math.sin(yaw)
        cp, sp = math.cos(pitch), math.sin(pitch)
        cr, sr = math.cos(roll), math.sin(roll)
        turn = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0]])
        nod = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
        spin = np.array([[cr, -sr], [sr, cr]])
        self.unit = size * scale
        """Pixels per unit of the face."""
        self.matrix = self.unit * (spin @ turn @ nod).T
        self.offset = np.array([size * (0.5 + shift[0]), size * (0.455 + shift[1])])

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Project points (..., 3), or (..., 2) at depth 0, to pixels (..., 2)."""
        return points @ self.matrix[: points.shape[-1]] + self.offset
