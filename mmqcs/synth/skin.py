"""Skin, folds, ears, neck and beard.

Light and shadow are collected in one grey map, where 128 is evenly lit skin. A table
turns grey into colour, because shadows of skin are redder than its highlights.
"""

import cv2
import numpy as np

from .canvas import disc, fill, mask_of, moved
from .face import Face
from .geometry import INDEX, spline, stroke_outline
from .identity import Colour, mix

_COARSE = 48
"""Side of the low-resolution map of soft shading."""

_OUTLINE = (
    'jaw_0', 'jaw_1', 'jaw_2', 'jaw_3', 'jaw_4', 'jaw_5', 'chin_mid',
)  # fmt: skip
_SKULL = ('skull_3', 'skull_2', 'skull_1', 'skull_mid')

# soft light and shadow at rest: landmark or (x, y), radii (x, y), strength; each entry
# is mirrored, so those on the middle line count twice
_SHAPE: tuple[tuple, ...] = (
    ((0.40, -0.250), 0.20, 0.085, -14.0),  # socket under the brow
    ((0.215, -0.140), 0.07, 0.12, -12.0),  # inner corner of the eye
    ((0.130, 0.080), 0.06, 0.20, -8.0),  # side of the nose
    ((0.0, 0.020), 0.045, 0.26, 5.0),  # ridge of the nose
    ('nose_tip_mid', 0.06, 0.06, 7.0),
    ('nose_base_mid', 0.15, 0.045, -10.0),  # shadow of the nose
    ((0.50, 0.280), 0.20, 0.14, 9.0),  # cheekbone
    ((0.56, 0.640), 0.17, 0.20, -8.0),  # hollow of the cheek
    ('chin_fold_mid', 0.18, 0.045, -10.0),
    ('chin_boss_mid', 0.15, 0.09, 4.0),
    ((0.30, -0.760), 0.35, 0.18, 5.0),  # forehead
    ((0.82, -0.500), 0.14, 0.28, -9.0),  # temple
)

# soft light and shadow of each fold at depth 1
_FOLD_SHAPE: tuple[tuple, ...] = (
    ('cheek', (0.47, 0.200), 0.17, 0.10, 14.0),
    ('cheek', (0.46, 0.075), 0.15, 0.04, -12.0),
    ('cheek', (0.58, 0.480), 0.13, 0.14, -12.0),
    ('naso', 'naso_1', 0.06, 0.10, -12.0),
    ('naso', 'naso_2', 0.06, 0.10, -10.0),
    ('bag', 'bag_2', 0.15, 0.035, -12.0),
    ('frown', 'frown_1', 0.06, 0.10, -12.0),
    ('bridge', 'wrinkle_b_1', 0.09, 0.10, -9.0),
    ('sulk', 'sulk_2', 0.06, 0.07, -14.0),
    ('dimple', 'dimple_2', 0.045, 0.07, -26.0),
    ('chin', 'chin_boss_mid', 0.15, 0.08, -8.0),
    ('front', 'front_a_1', 0.30, 0.05, -4.0),
)

# lines of each fold: landmarks, width, strength at depth 1
_FOLD_LINES = (
    ('naso', ('naso_0', 'naso_1', 'naso_2', 'naso_3'), 0.036, 38.0),
    ('crow', ('crow_0', 'crow_1'), 0.026, 40.0),
    ('crow', ('crow_0', 'crow_2'), 0.026, 40.0),
    ('crow', ('crow_0', 'crow_3'), 0.026, 40.0),
    ('bag', ('bag_1', 'bag_2', 'bag_3'), 0.030, 34.0),
    ('frown', ('frown_1', 'frown_2'), 0.040, 62.0),
    ('bridge', ('wrinkle_a_1', 'wrinkle_a_2'), 0.034, 54.0),
    ('bridge', ('wrinkle_b_1', 'wrinkle_b_2'), 0.034, 54.0),
    ('sulk', ('sulk_1', 'sulk_2'), 0.030, 40.0),
    ('dimple', ('dimple_1', 'dimple_2'), 0.036, 70.0),
    ('chin', ('chin_fold_1', 'chin_fold_mid'), 0.030, 32.0),
    ('front', ('front_a_2', 'front_a_1', 'front_a_mid'), 0.028, 38.0),
    ('front', ('front_b_2', 'front_b_1', 'front_b_mid'), 0.028, 34.0),
)


def skin_table(colour: Colour) -> np.ndarray:
    """Return the colour of the skin for each grey value of the map, (256, 1, 3)."""
    light = np.arange(256)[:, None] / 128.0
    table = np.array(colour) * light ** np.array([1.30, 1.12, 0.85])
    return np.clip(np.round(table), 0, 255).astype(np.uint8)[:, None]


def outline(face: Face) -> np.ndarray:
    """Return the outline of the face, a closed polygon (N, 2) in pixels."""
    low = face.across(*_OUTLINE)
    top = face.across(*_SKULL)
    return spline(np.concatenate((low, top[::-1])), 4, closed=True)


def _mirrored(half: list[list[float]]) -> np.ndarray:
    """Continue a contour of the left half on the right."""
    return np.array([*half, *([-x, y] for x, y in half[::-1])])


def paint_neck(canvas: np.ndarray, face: Face) -> None:
    """Paint the neck and the shoulders in place."""
    width = 0.62 * np.abs(face.points[:, INDEX['jaw_3'], 0]).mean() / 0.72
    shade = skin_table(face.identity.skin)[92, 0].tolist()
    neck = _mirrored([[-width, 0.3], [-width, 1.5], [-1.0, 2.1]])
    fill(canvas, face.ring(neck, -0.25), shade)
    half = [[-2.2, 2.6], [-1.7, 1.65], [-0.75, 1.42], [-0.4, 1.62], [0.0, 1.70]]
    cloth = _mirrored(half)
    fill(canvas, face.ring(cloth, -0.2), face.identity.cloth)


def paint_skin(canvas: np.ndarray, face: Face, side_light: tuple[float, float]) -> None:
    """Paint the ears and the skin of the face in place."""
    table = skin_table(face.identity.skin)
    _paint_ears(canvas, face, table)
    shade = _soft_shading(canvas.shape[0], face, side_light)
    shade = cv2.subtract(shade, _fold_lines(canvas.shape[0], face))
    skin = cv2.applyColorMap(shade, table)
    _redden(skin, face)
    for at in face.ring(face.identity.freckles, 0.65):
        disc(skin, at, 0.012 * face.unit, table[98, 0].tolist())
    if face.identity.beard is not None:
        _paint_beard(skin, face, face.identity.beard)
    cv2.copyTo(skin, mask_of(canvas.shape[:2], outline(face)), canvas)


def _soft_shading(size: int, face: Face, side_light: tuple[float, float]) -> np.ndarray:
    """Return the soft light and shadow, uint8 (size, size); 128 is even light."""
    ratio = _COARSE / size
    unit = face.unit * ratio
    grid = np.arange(_COARSE) + 0.5
    centre = face.project(np.array([[0.0, 0.0, 0.55]]))[0] * ratio
    x = (grid - centre[0]) / unit
    y = (grid - centre[1]) / unit
    radius = (x * x)[None, :] + ((y / 1.45) ** 2)[:, None]
    shade = 131.0 - 26.0 * radius * radius
    shade += 24.0 * side_light[0] * x[None, :] + 16.0 * side_light[1] * y[:, None]

    spots = []
    for side in (0, 1):
        folds = [
            (*spot, strength * depth)
            for fold, *spot, strength in _FOLD_SHAPE
            if (depth := face.fold(side, fold)) > 0.02
        ]
        for where, *radii, strength in (*_SHAPE, *folds):
            if isinstance(where, str):
                at = face.at(side, where)
            else:
                x, y = where
                at = face.project(np.array([x if side else -x, y, 0.5]))
            spots.append((*at, *radii, strength))
    rows = np.array(spots)
    at, spread, strengths = rows[:, :2] * ratio, rows[:, 2:4] * unit, rows[:, 4:]
    across = np.exp(-(((grid - at[:, :1]) / spread[:, :1]) ** 2))
    down = np.exp(-(((grid - at[:, 1:]) / spread[:, 1:]) ** 2))
    shade += (down * strengths).T @ across
    coarse = np.clip(np.round(shade), 0, 255).astype(np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)


def _fold_lines(size: int, face: Face) -> np.ndarray:
    """Return the lines of the folds as darkness to subtract, uint8 (size, size)."""
    lines = np.zeros((size, size), np.uint8)
    unit = face.unit
    for side in (0, 1):
        for fold, names, width, strength in _FOLD_LINES:
            depth = min(face.fold(side, fold), 1.4)
            if depth < 0.05:
                continue
            curve = face.curve(side, *names, steps=5)
            ends_mid = names[-1].endswith('_mid')
            t = np.linspace(0.0, 0.5 if ends_mid else 1.0, len(curve))
            taper = np.sqrt(np.maximum(4.0 * t * (1.0 - t), 0.03))
            widths = width * unit * taper * (0.6 + 0.4 * depth)
            fill(lines, stroke_outline(curve, widths), strength * min(depth, 1.2))
    return cv2.blur(lines, (3, 3))


def _paint_ears(canvas: np.ndarray, face: Face, table: np.ndarray) -> None:
    turns = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    oval = np.stack((0.11 * np.cos(turns), 0.25 * np.sin(turns)), axis=1)
    for side, sign in ((0, -1.0), (1, 1.0)):
        jaw = face.points[side, INDEX['jaw_1']]
        centre = np.array([jaw[0] + sign * 0.035, -0.03])
        fill(canvas, face.ring(oval + centre, -0.15), table[112, 0].tolist())
        inner = oval * 0.55 + centre + (sign * 0.03, 0.0)
        fill(canvas, face.ring(inner, -0.15), table[88, 0].tolist())
        if face.identity.earring:
            at = face.ring(centre[None] + (0.0, 0.28), -0.15)[0]
            disc(canvas, at, 0.045 * face.unit, (120, 210, 235))


def _redden(skin: np.ndarray, face: Face) -> None:
    """Redden cheeks and nose by reducing blue and green."""
    strength = 8.0 + 14.0 * face.identity.blush
    ratio = _COARSE / skin.shape[0]
    grid = np.arange(_COARSE) + 0.5
    unit = face.unit * ratio
    cheeks = [
        moved(face.at(side, 'naso_1'), shift * face.unit, -0.16 * face.unit)
        for side, shift in ((0, -0.24), (1, 0.24))
    ]
    places = np.array([*cheeks, face.at(0, 'nose_tip_mid')]) * ratio
    wide = np.array([[0.22], [0.22], [0.13]]) * unit
    across = np.exp(-(((grid - places[:, :1]) / wide) ** 2))
    down = np.exp(-(((grid - places[:, 1:]) / (0.7 * wide)) ** 2))
    red = np.round(strength * np.minimum(down.T @ across, 1.5)).astype(np.uint8)
    red = cv2.resize(red, skin.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    cv2.subtract(skin, cv2.merge((red, red, np.zeros_like(red))), dst=skin)


def _paint_beard(skin: np.ndarray, face: Face, kind: str) -> None:
    """Blend the beard into the skin; a blur softens its edge."""
    half = skin.shape[0] // 2
    drop = 0.04 * face.unit

    def area(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        return np.concatenate((top, bottom[::-1]))

    nose = face.across('naso_2', 'nose_wing', 'nostril', 'nose_base_mid')
    lip = face.across('sulk_1', 'lip_top_2', 'lip_top_1', 'lip_top_mid')
    moustache = area(moved(nose, 0, drop), lip)
    lip = face.across('sulk_1', 'lip_base_1', 'lip_base_mid')
    jaw = face.across('sulk_2', 'jaw_5', 'chin_mid')
    chin = area(moved(lip, 0, drop), moved(jaw, 0, drop))
    top = face.across('jaw_1', 'naso_3', 'lip_base_1', 'lip_base_mid')
    cheeks = area(top, moved(face.across(*_OUTLINE[1:]), 0, drop))
    areas = {
        'stubble': (moustache, cheeks),
        'moustache': (moustache,),
        'goatee': (moustache, chin),
        'full': (moustache, chin, cheeks),
    }[kind]
    mask = mask_of((half, half), *(area / 2.0 for area in areas))
    mask = cv2.blur(mask, (5, 5))
    mask = cv2.resize(mask, skin.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    weight = 0.35 if kind == 'stubble' else 0.88
    mask = cv2.multiply(mask, weight)  # type: ignore[call-overload]
    rest = cv2.subtract(np.full_like(mask, 255), mask)
    colour = mix(face.identity.hair, (20, 22, 26), 0.3)
    kept = cv2.multiply(skin, cv2.merge((rest, rest, rest)), scale=1.0 / 255.0)
    beard = cv2.merge([cv2.multiply(mask, c / 255.0) for c in colour])  # type: ignore[call-overload]
    cv2.add(kept, beard, dst=skin)
