"""Eyes, brows, nose, mouth and glasses."""

import numpy as np

from .canvas import RING, clipped, disc, fill, line, moved
from .face import Face
from .geometry import INDEX, stroke_outline
from .identity import mix
from .skin import skin_table

_UPPER = ('eye_in', 'lid_up_1', 'lid_up_2', 'lid_up_3', 'eye_out')
_LOWER = ('eye_in', 'lid_low_1', 'lid_low_2', 'lid_low_3', 'eye_out')
_BROW = ('brow_0', 'brow_1', 'brow_2', 'brow_3', 'brow_4')
_LIP_TOP = ('mouth_corner', 'lip_top_2', 'lip_top_1', 'lip_top_mid')
_LIP_BASE = ('mouth_corner', 'lip_base_1', 'lip_base_mid')
_MOUTH_UP = ('mouth_corner', 'mouth_up_1', 'mouth_up_mid')
_MOUTH_LOW = ('mouth_corner', 'mouth_low_1', 'mouth_low_mid')


def paint_eyes(canvas: np.ndarray, face: Face) -> None:
    """Paint eyeballs, lids and lashes in place."""
    unit, person = face.unit, face.identity
    table = skin_table(person.skin)
    rim = mix(person.iris, (16, 16, 20), 0.6)
    for side in (0, 1):
        upper = face.curve(side, *_UPPER)
        lower = face.curve(side, *_LOWER)
        # keep the lower lid below the upper one
        lower[:, 1] = np.maximum(lower[:, 1], upper[:, 1] + 0.004 * unit)
        opening = np.concatenate((upper, lower[::-1]))
        with clipped(canvas, opening) as (part, corner):
            part[:] = mix((236, 238, 240), person.skin, 0.10)
            iris = face.at(side, 'iris') - corner
            radius = person.iris_radius * unit
            disc(part, iris, radius, rim)
            disc(part, iris, 0.80 * radius, person.iris)
            disc(part, iris, 0.42 * radius, (14, 14, 16))
            shadow = np.concatenate(
                (moved(upper, 0, -0.02 * unit), moved(upper[::-1], 0, 0.022 * unit))
            )
            fill(part, shadow - corner, mix(table[60, 0].tolist(), (20, 20, 24), 0.3))
            glint = moved(iris, 0.03 * unit, -0.035 * unit)
            disc(part, glint, 0.24 * radius, (250, 250, 250))
        t = np.linspace(0.0, 1.0, len(upper))
        lash = person.lashes * unit * (0.45 + 1.1 * t * (1.35 - t))
        dark = mix(table[40, 0].tolist(), (16, 16, 20), 0.75)
        fill(canvas, stroke_outline(upper, lash), dark)
        edge = 0.020 * unit * np.sqrt(np.maximum(t, 0.05))
        lower = moved(lower, 0, 0.005 * unit)
        fill(canvas, stroke_outline(lower, edge), table[74, 0].tolist())
        crease = face.curve(side, 'crease_1', 'crease_2', 'crease_3')
        taper = 0.020 * unit * np.sqrt(np.linspace(0.1, 1.0, len(crease)))
        fill(canvas, stroke_outline(crease, taper), table[84, 0].tolist())


def paint_brows(canvas: np.ndarray, face: Face) -> None:
    """Paint the brows in place."""
    widest = face.identity.brow_width * face.unit
    for side in (0, 1):
        curve = face.curve(side, *_BROW)
        t = np.linspace(0.0, 1.0, len(curve))
        widths = widest * (0.80 + 0.9 * t - 1.55 * t**2.2)
        widths[0] *= 0.55
        outline = stroke_outline(curve, np.maximum(widths, 0.012))
        fill(canvas, outline, face.identity.brow)


def paint_nose(canvas: np.ndarray, face: Face) -> None:
    """Paint the wings of the nose and the nostrils in place."""
    unit = face.unit
    table = skin_table(face.identity.skin)
    for side in (0, 1):
        nostril = face.at(side, 'nostril')
        base = face.at(side, 'nose_base_mid')
        wing = face.half(side, 'nose_wing_top', 'nose_wing')
        end = moved(0.6 * wing[1] + 0.4 * nostril, 0, 0.045 * unit)
        line(canvas, np.stack((*wing, end)), table[88, 0].tolist(), 0.022 * unit)
        hole = np.stack(
            (
                moved(0.45 * wing[1] + 0.55 * nostril, 0, 0.02 * unit),
                moved(nostril, 0, -0.012 * unit),
                moved(0.5 * nostril + 0.5 * base, 0, 0.012 * unit),
                moved(nostril, 0, 0.028 * unit),
            )
        )
        fill(canvas, hole, table[42, 0].tolist())
    middle = moved(face.at(0, 'nose_base_mid'), 0, 0.03 * unit)
    under = np.stack((face.at(0, 'nostril'), middle, face.at(1, 'nostril')))
    line(canvas, under, table[92, 0].tolist(), 0.018 * unit)


def paint_mouth(canvas: np.ndarray, face: Face) -> None:
    """Paint the lips, and the teeth and the tongue between them, in place."""
    unit, lips = face.unit, face.identity.lips
    dark = mix(lips, (24, 16, 40), 0.65)
    up = face.arch(*_MOUTH_UP)
    low = face.arch(*_MOUTH_LOW)
    low[:, 1] = np.maximum(low[:, 1], up[:, 1])
    top = face.arch(*_LIP_TOP)
    base = face.arch(*_LIP_BASE)
    gap = float((low[:, 1] - up[:, 1]).max()) / unit

    fill(canvas, np.concatenate((top, up[::-1])), mix(lips, (20, 20, 40), 0.14))
    fill(canvas, np.concatenate((low, base[::-1])), lips)
    middle = len(low) // 2
    rows = np.linspace(0, len(base) - 1, len(low)).astype(int)
    shine = (0.45 * low + 0.55 * base[rows])[middle - 3 : middle + 4]
    line(canvas, shine, mix(lips, (230, 230, 250), 0.28), 0.028 * unit)
    if gap > 0.025:
        _fill_mouth(canvas, face, up, low, gap)
    seam = 0.018 * unit
    line(canvas, up, dark, seam)
    if gap > 0.025:
        line(canvas, low, mix(lips, dark, 0.6), 0.6 * seam)
    for side in (0, 1):
        disc(canvas, face.at(side, 'mouth_corner'), 0.016 * unit, dark)


def _fill_mouth(
    canvas: np.ndarray, face: Face, up: np.ndarray, low: np.ndarray, gap: float
) -> None:
    """Paint the inside of an open mouth.

    The upper teeth do not move with the lips; the lower teeth move with the chin.
    """
    unit = face.unit
    rest = face.identity.points
    line_y = rest[INDEX['mouth_up_mid'], 1]
    jaw = face.points[0, INDEX['chin_boss_mid'], 1] - rest[INDEX['chin_boss_mid'], 1]
    x = np.linspace(-0.5, 0.5, 9)
    edges = np.stack((x, line_y + 0.050 - 0.16 * x * x), axis=1)
    gums = np.stack((x[::-1], np.full(9, line_y - 0.3)), axis=1)
    upper = face.ring(np.concatenate((edges, gums)), 0.66)
    roots = np.stack((x, line_y + 0.85 * max(jaw, 0.0) + 0.055 + 0.1 * x * x), axis=1)
    lower = face.ring(np.concatenate((roots, moved(roots[::-1], 0, 0.3))), 0.66)
    with clipped(canvas, np.concatenate((up, low[::-1]))) as (part, corner):
        part[:] = (34, 22, 62)
        fill(part, lower - corner, (176, 190, 198))
        if gap > 0.12:
            middle = low[len(low) // 2] - corner
            tongue = np.array((0.17, 0.10)) * unit * RING
            tongue = tongue + moved(middle, 0, -0.01 * unit)
            fill(part, tongue, (92, 84, 168))
        fill(part, upper - corner, (220, 230, 234))


def paint_glasses(canvas: np.ndarray, face: Face) -> None:
    """Paint the glasses, if the person wears any, in place."""
    frame = face.identity.glasses
    if frame is None:
        return
    unit = face.unit
    half_width, half_height, roundness = face.identity.lens
    # a superellipse, from an oval to nearly a rectangle
    power = 2.0 / roundness
    cos, sin = RING.T
    x = half_width * np.sign(cos) * np.abs(cos) ** power
    y = half_height * np.sign(sin) * np.abs(sin) ** power
    ring = np.stack((x, y), axis=1)
    width = 0.034 * unit
    for sign in (-1.0, 1.0):
        rim = face.ring(moved(ring, sign * 0.41, -0.10), 0.78)
        line(canvas, rim, frame, width, closed=True)
        outer = sign * (0.41 + half_width)
        temple = np.array([[outer, -0.15, 0.75], [sign * 1.0, -0.15, -0.1]])
        line(canvas, face.project(temple), frame, width)
    inner = 0.41 - half_width
    bridge = np.array([[-inner, -0.13], [0.0, -0.17], [inner, -0.13]])
    line(canvas, face.ring(bridge, 0.85), frame, width)
