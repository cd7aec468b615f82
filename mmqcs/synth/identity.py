"""People: shape of the face, colours, hair, glasses, beard and age.

An identity does not depend on the expression, so one person can be rendered with every
expression.
"""

from dataclasses import dataclass

import numpy as np

from .geometry import GROUPS, INDEX, ellipsoid_depth, rest_points
from .rng import bell, chance, pick, span

Colour = tuple[float, ...]
"""Blue, green and red, from 0 to 255."""

HAIR_STYLES = ('bald', 'buzz', 'short', 'side', 'fringe', 'long', 'bob', 'curly')
BEARDS = ('stubble', 'moustache', 'goatee', 'full')

# fmt: off
_SKIN: tuple[Colour, ...] = (  # from light to dark
    (196, 216, 246), (168, 196, 236), (138, 172, 222), (104, 142, 200), (76, 108, 164),
    (54, 78, 122),
)
_HAIR: tuple[Colour, ...] = (
    (26, 24, 28), (28, 36, 52), (36, 56, 88), (52, 88, 136), (104, 160, 204),
    (38, 72, 158), (150, 152, 156), (205, 206, 210),
)
_IRIS: tuple[Colour, ...] = (
    (28, 44, 74), (38, 64, 108), (70, 110, 110), (84, 118, 82), (150, 118, 74),
    (128, 120, 112),
)
# fmt: on


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Mix two colours; ``share`` is the weight of the second."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))


@dataclass(frozen=True)
class Identity:
    """One person, without an expression. Lengths are in half widths of the face."""

    points: np.ndarray  # landmarks of one half of the face at rest (K, 3)
    skin: Colour  # where evenly lit
    hair: Colour
    brow: Colour
    iris: Colour
    lips: Colour
    cloth: Colour
    hair_style: str  # one of HAIR_STYLES
    hairline: float  # its y on the face
    parting: float  # its x on the face
    hair_tone: float  # lightness of the strands, -1 to 1
    brow_width: float
    iris_radius: float
    lashes: float  # thickness of the upper lash lines
    age: float  # from 0 (smooth skin) to 1 (deep lines)
    blush: float  # redness of cheeks and nose, from 0 to 1
    freckles: np.ndarray  # positions (F, 2) on the face
    beard: str | None  # one of BEARDS
    glasses: Colour | None  # colour of the frame
    lens: tuple[float, float, float]  # half width, half height, roundness
    earring: bool


def sample_identity(rng: np.random.Generator) -> Identity:
    """Sample a person."""
    points = _sample_points(rng)
    tone = rng.random() * (len(_SKIN) - 1.001)
    skin = mix(_SKIN[int(tone)], _SKIN[int(tone) + 1], tone % 1.0)
    age = rng.random() ** 2
    dark_skin = tone > 2.8
    hair = pick(rng, _HAIR[:3] if dark_skin else _HAIR[:6])
    hair = mix(hair, pick(rng, _HAIR[6:]), age if chance(rng, 0.7 * age) else 0.0)
    hair = mix(hair, pick(rng, _HAIR), 0.25 * rng.random())
    style = pick(rng, HAIR_STYLES)
    bearded = chance(rng, 0.55) and style not in ('long', 'bob', 'fringe')
    red = mix(skin, (96, 84, 188), 0.32 + 0.28 * rng.random())
    freckles: np.ndarray = np.zeros((0, 2))
    if chance(rng, 0.15):
        freckles = (rng.random((14, 2)) - 0.5) * (1.1, 0.34) + (0.0, 0.17)
    return Identity(
        points=points,
        skin=skin,
        hair=hair,
        brow=mix(mix(hair, (20, 24, 30), 0.45), skin, 0.10 + 0.15 * rng.random()),
        iris=pick(rng, _IRIS[:2] if dark_skin else _IRIS),
        lips=mix(red, (60, 50, 90), 0.25) if dark_skin else red,
        cloth=_sample_cloth(rng),
        hair_style=style,
        hairline=-0.98 + bell(rng, 0.10),
        parting=pick(rng, (-1.0, 1.0)) * span(rng, 0.1, 0.5),
        hair_tone=span(rng, -1.0, 1.0),
        brow_width=0.062 + bell(rng, 0.026),
        iris_radius=0.088 + bell(rng, 0.008),
        lashes=0.026 + 0.016 * rng.random(),
        age=age,
        blush=rng.random(),
        freckles=freckles,
        beard=pick(rng, BEARDS) if bearded else None,
        glasses=_sample_frame(rng) if chance(rng, 0.18) else None,
        lens=(span(rng, 0.24, 0.29), span(rng, 0.17, 0.23), span(rng, 2.0, 4.0)),
        earring=chance(rng, 0.12),
    )


def _sample_cloth(rng: np.random.Generator) -> Colour:
    grey = span(rng, 40, 200)
    return (grey + bell(rng, 50), grey + bell(rng, 40), grey + bell(rng, 50))


def _sample_frame(rng: np.random.Generator) -> Colour:
    shade = span(rng, 20, 90)
    return (shade, shade + bell(rng, 12), shade + span(rng, -10, 60))


def _sample_points(rng: np.random.Generator) -> np.ndarray:
    """Sample the shape of the face: move and scale groups of landmarks."""
    p = rest_points()
    depth = p[:, 2] - ellipsoid_depth(p[:, :2])

    def scale(group: str, centre: tuple[float, float], x: float, y: float) -> None:
        rows = GROUPS[group]
        p[rows, :2] = (p[rows, :2] - centre) * (x, y) + centre

    def turn(group: str, centre: tuple[float, float], slope: float) -> None:
        rows = GROUPS[group]
        p[rows, 1] += (p[rows, 0] - centre[0]) * slope

    # outline: width of the jaw relative to the temples, length of the chin
    jaw = bell(rng, 0.11)
    for name, share in (('jaw_2', 0.4), ('jaw_3', 1.0), ('jaw_4', 1.2), ('jaw_5', 0.9)):
        p[INDEX[name], 0] *= 1.0 + share * jaw
    chin = bell(rng, 0.07)
    p[GROUPS['chin'], 1] += chin
    p[[INDEX['jaw_4'], INDEX['jaw_3']], 1] += (0.8 * chin, 0.4 * chin)
    scale('skull', (0.0, -0.6), 1.0 + bell(rng, 0.04), 1.0 + bell(rng, 0.10))

    eye = (0.40, -0.135)
    size, openness = 1.0 + bell(rng, 0.12), 1.0 + bell(rng, 0.16)
    scale('eye', eye, size, size * openness)
    turn('eye', eye, bell(rng, 0.09))
    spacing, height = bell(rng, 0.035), bell(rng, 0.03)
    for group in ('eye', 'crow', 'brow'):
        p[GROUPS[group], :2] += (spacing, height)

    brow = (0.44, -0.42)
    scale('brow', brow, 1.0 + bell(rng, 0.07), 1.0 + bell(rng, 0.45))
    turn('brow', brow, bell(rng, 0.08))
    p[GROUPS['brow'], 1] += bell(rng, 0.045)

    nose = (0.0, -0.15)
    width, length = 1.0 + bell(rng, 0.22), 1.0 + bell(rng, 0.12)
    scale('nose', nose, width, length)
    p[INDEX['naso_0'], 0] *= width

    mouth = (0.0, 0.735)
    scale('mouth', mouth, 1.0 + bell(rng, 0.14), 1.0 + bell(rng, 0.42))
    # tilt of the corners at rest
    tilt = bell(rng, 0.10)
    turn('mouth', (0.15, 0.0), tilt)
    p[GROUPS['mouth'], 1] += bell(rng, 0.04) + 0.5 * chin

    whole = 1.0 + bell(rng, 0.06)
    p[:, 0] *= whole
    p[:, 2] = ellipsoid_depth(p[:, :2] / (whole, 1.0)) + depth
    return p
