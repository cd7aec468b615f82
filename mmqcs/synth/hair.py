"""Hair behind and above the face."""

import numpy as np

from .canvas import disc, fill, line
from .face import Face
from .geometry import spline
from .identity import mix
from .skin import skin_table

# outer contour of the hair on one half, from the ear to the crown, as (x, y)
_OUTER = ((1.03, -0.25), (1.10, -0.75), (0.92, -1.28), (0.50, -1.56), (0.0, -1.64))
# volume of each style relative to the outer contour
_VOLUME = {
    'buzz': 0.94, 'short': 1.0, 'side': 1.03, 'fringe': 1.04,
    'long': 1.06, 'bob': 1.10, 'curly': 1.08,
}  # fmt: skip


def _mirror(points: np.ndarray) -> np.ndarray:
    """Continue a contour of the right half, which ends at the crown, to the left."""
    return np.concatenate((points, (points * (-1.0, 1.0))[-2::-1]))


def _hairline(style: str, height: float, parting: float) -> np.ndarray:
    """Return the lower contour (N, 2) of the front hair from right to left."""
    sides = {
        'buzz': ((0.93, -0.40), (0.84, -0.66), (0.66, height + 0.06)),
        'short': ((0.93, -0.25), (0.86, -0.58), (0.70, height + 0.08)),
        'curly': ((0.96, -0.20), (0.88, -0.55), (0.68, height + 0.10)),
        'fringe': ((0.94, -0.10), (0.86, -0.42), (0.74, -0.60)),
        'bob': ((1.00, 0.55), (0.86, -0.10), (0.78, -0.56)),
        'long': ((0.99, 0.40), (0.88, -0.30), (0.66, -0.76)),
        'side': ((0.93, -0.25), (0.86, -0.58), (0.72, -0.80)),
    }[style]
    right = np.array(sides)
    left = (right * (-1.0, 1.0))[::-1]
    if style == 'fringe':
        middle = [(0.4, -0.70), (0.0, -0.67), (-0.4, -0.70)]
    elif style in ('long', 'bob', 'side'):
        low = height + 0.13
        ends = 0.5 * (parting + 0.66), 0.5 * (parting - 0.66)
        top = (parting, height - 0.12)
        middle = [(ends[0], low - 0.02), top, (ends[1], low - 0.02)]
    else:
        middle = [(0.3, height), (0.0, height + 0.02), (-0.3, height)]
    return np.concatenate((right, np.array(middle), left))


def paint_back_hair(canvas: np.ndarray, face: Face) -> None:
    """Paint the hair behind the face in place."""
    person = face.identity
    if person.hair_style not in ('long', 'bob', 'curly'):
        return
    colour = mix(person.hair, (10, 10, 14), 0.35)
    if person.hair_style == 'curly':
        for turn in np.linspace(-0.15 * np.pi, 1.15 * np.pi, 13):
            at = np.array([[1.02 * np.cos(turn), -0.55 - 0.95 * np.sin(turn)]])
            disc(canvas, face.ring(at, -0.2)[0], 0.30 * face.unit, colour)
        return
    end = 1.9 if person.hair_style == 'long' else 0.95
    half = np.array([(0.95, end), (1.22, end - 0.1), (1.24, 0.3), *_OUTER[1:]])
    fill(canvas, spline(face.ring(_mirror(half), -0.25), 4, closed=True), colour)


def paint_front_hair(canvas: np.ndarray, face: Face) -> None:
    """Paint the hair above the forehead in place."""
    person, unit = face.identity, face.unit
    style = person.hair_style
    if style == 'bald':
        return
    colour = person.hair
    if style == 'buzz':
        colour = mix(colour, skin_table(person.skin)[104, 0].tolist(), 0.45)
    outer = _mirror(np.array(_OUTER) * (1.0, _VOLUME[style]))
    lower = _hairline(style, person.hairline, person.parting)
    top = spline(face.ring(outer, -0.05), 4)
    edge = spline(face.ring(lower, 0.12), 4)
    fill(canvas, np.concatenate((top, edge[::-1])), colour)
    if style == 'curly':
        for turn in np.linspace(0.05 * np.pi, 0.95 * np.pi, 10):
            at = np.array([[0.84 * np.cos(turn), -0.62 - 0.62 * np.sin(turn)]])
            disc(canvas, face.ring(at, 0.05)[0], 0.17 * unit, colour)
        return
    if style == 'buzz':
        return
    shade = (255, 255, 255) if person.hair_tone > 0 else (0, 0, 0)
    strand = mix(colour, shade, 0.10 + 0.12 * abs(person.hair_tone))
    root = np.array([person.parting if style != 'short' else 0.0, -1.45])
    for share in (0.12, 0.26, 0.40, 0.60, 0.74, 0.88):
        tip = lower[int(share * (len(lower) - 1))]
        bend = 0.5 * (root + tip) + ((tip[0] - root[0]) * 0.22, -0.14)
        curve = spline(face.ring(np.stack((root, bend, tip * (1.0, 1.04))), 0.05), 4)
        line(canvas, curve, strand, 0.022 * unit)
