"""The action units: how each one changes a face, and which show an emotion.

The units are those of the Facial Action Coding System (FACS). Each moves named
landmarks and deepens named folds. An expression is the sum of its units, each scaled
by an intensity from 0 (absent) to 1 (extreme).
"""

from dataclasses import dataclass, field

import numpy as np

from .geometry import INDEX
from .rng import chance, pick, span

FOLDS = (
    'front',  # lines across the forehead
    'frown',  # vertical lines between the brows
    'bridge',  # wrinkles across the root of the nose
    'naso',  # from the wing of the nose to the corner of the mouth
    'crow',  # at the outer corner of the eye
    'bag',  # under the eye
    'sulk',  # below the corner of the mouth
    'dimple',  # next to the corner of the mouth
    'chin',  # above the chin, and the texture of the chin
    'cheek',  # raised apple of the cheek
)
"""Folds and bulges of the skin that the units deepen."""


@dataclass(frozen=True)
class ActionUnit:
    """Effect of one action unit at full intensity."""

    # displacements (outwards, down) or (down) in half widths of the face
    moves: dict[str, tuple[float, float] | float]
    folds: dict[str, float] = field(default_factory=dict)  # depths that are added


# fmt: off
ACTION_UNITS: dict[int, ActionUnit] = {
    1: ActionUnit(  # inner brow raiser
        {'brow_0': (0.01, -0.225), 'brow_1': (0.005, -0.165), 'brow_2': -0.06,
         'frown_1': -0.1, 'front_a_mid': -0.05, 'front_a_1': -0.07,
         'front_b_mid': -0.03, 'front_b_1': -0.05, 'crease_1': -0.03,
         'crease_2': -0.02},
        {'front': 0.55}),
    2: ActionUnit(  # outer brow raiser
        {'brow_1': -0.05, 'brow_2': -0.12, 'brow_3': -0.17, 'brow_4': (0.005, -0.13),
         'front_a_2': -0.08, 'front_b_2': -0.06, 'crease_2': -0.02, 'crease_3': -0.03},
        {'front': 0.45}),
    4: ActionUnit(  # brow lowerer
        {'brow_0': (-0.06, 0.11), 'brow_1': (-0.055, 0.115), 'brow_2': (-0.035, 0.085),
         'brow_3': (-0.015, 0.05), 'brow_4': (-0.005, 0.015), 'lid_up_1': 0.01,
         'lid_up_2': 0.014, 'lid_up_3': 0.016, 'crease_1': 0.04, 'crease_2': 0.03,
         'frown_1': (-0.01, 0.05), 'frown_2': (-0.005, 0.04)},
        {'frown': 1.0}),
    5: ActionUnit(  # upper lid raiser
        {'lid_up_1': -0.06, 'lid_up_2': -0.078, 'lid_up_3': -0.064, 'crease_1': -0.02,
         'crease_2': -0.035, 'crease_3': -0.03, 'lid_low_2': 0.01}),
    6: ActionUnit(  # cheek raiser
        {'lid_low_1': -0.03, 'lid_low_2': -0.052, 'lid_low_3': -0.05, 'lid_up_3': 0.015,
         'eye_out': 0.012, 'bag_1': -0.035, 'bag_2': -0.055, 'bag_3': -0.05,
         'brow_4': 0.025},
        {'crow': 1.0, 'bag': 0.6, 'cheek': 0.7}),
    7: ActionUnit(  # lid tightener
        {'lid_up_1': 0.026, 'lid_up_2': 0.04, 'lid_up_3': 0.03, 'lid_low_1': -0.03,
         'lid_low_2': -0.042, 'lid_low_3': -0.034, 'bag_2': -0.02},
        {'bag': 0.45}),
    9: ActionUnit(  # nose wrinkler
        {'brow_0': (-0.03, 0.085), 'brow_1': (-0.015, 0.055), 'lid_low_1': -0.035,
         'lid_low_2': -0.03, 'lid_up_1': 0.02, 'lid_up_2': 0.018,
         'nose_wing': (0.03, -0.075), 'nose_wing_top': (0.02, -0.06),
         'nostril': (0.012, -0.055), 'nose_tip_mid': -0.035, 'nose_base_mid': -0.045,
         'naso_0': (0.01, -0.06), 'naso_1': (0.02, -0.05), 'lip_top_1': (0.005, -0.045),
         'lip_top_2': (0.01, -0.03), 'lip_top_mid': -0.045},
        {'bridge': 1.0, 'naso': 0.55, 'bag': 0.35, 'cheek': 0.25}),
    10: ActionUnit(  # upper lip raiser
        {'lip_top_1': (0.01, -0.095), 'lip_top_2': (0.02, -0.11), 'lip_top_mid': -0.07,
         'mouth_up_1': (0.005, -0.085), 'mouth_up_mid': -0.055, 'mouth_corner': -0.01,
         'nose_wing': (0.025, -0.03), 'naso_0': (0.015, -0.03), 'naso_1': (0.04, -0.04),
         'naso_2': (0.05, -0.03)},
        {'naso': 0.75}),
    12: ActionUnit(  # lip corner puller
        {'mouth_corner': (0.15, -0.13), 'lip_top_2': (0.085, -0.062),
         'lip_top_1': (0.025, 0.01), 'lip_top_mid': 0.018,
         'mouth_up_1': (0.075, -0.026), 'mouth_low_1': (0.075, -0.02),
         'mouth_up_mid': 0.022, 'mouth_low_mid': 0.024, 'lip_base_1': (0.07, -0.028),
         'lip_base_mid': 0.014, 'naso_1': (0.055, -0.03), 'naso_2': (0.1, -0.07),
         'naso_3': (0.11, -0.13), 'dimple_1': (0.11, -0.13), 'dimple_2': (0.11, -0.12),
         'sulk_1': (0.13, -0.09), 'sulk_2': (0.08, -0.04), 'nose_wing': (0.02, -0.01),
         'jaw_2': (0.02, 0.0), 'jaw_3': (0.03, -0.01)},
        {'naso': 0.85, 'cheek': 0.8}),
    14: ActionUnit(  # dimpler
        {'mouth_corner': (0.055, -0.055), 'lip_top_2': (0.02, 0.008),
         'lip_base_1': (0.02, -0.022), 'mouth_up_1': (0.012, -0.006),
         'mouth_low_1': (0.012, -0.01), 'dimple_1': (0.03, -0.03),
         'dimple_2': (0.03, -0.02)},
        {'dimple': 1.0, 'naso': 0.3}),
    15: ActionUnit(  # lip corner depressor
        {'mouth_corner': (0.015, 0.13), 'lip_top_2': (0.005, 0.06), 'mouth_up_1': 0.03,
         'mouth_low_1': 0.03, 'lip_base_1': (0.01, 0.045), 'lip_base_mid': -0.01,
         'sulk_1': (0.015, 0.1), 'sulk_2': (0.02, 0.09), 'naso_3': (0.01, 0.04)},
        {'sulk': 1.0}),
    17: ActionUnit(  # chin raiser
        {'mouth_up_mid': -0.03, 'mouth_low_mid': -0.034, 'mouth_up_1': -0.016,
         'mouth_low_1': -0.018, 'lip_top_mid': -0.022, 'lip_top_1': -0.022,
         'lip_base_mid': -0.042, 'lip_base_1': -0.02, 'chin_fold_mid': -0.03,
         'chin_boss_mid': -0.04},
        {'chin': 1.0}),
    20: ActionUnit(  # lip stretcher
        {'mouth_corner': (0.135, 0.04), 'lip_top_2': (0.085, 0.03),
         'lip_top_1': (0.02, 0.016), 'lip_top_mid': 0.012, 'mouth_up_1': (0.08, 0.012),
         'mouth_low_1': (0.08, 0.012), 'lip_base_1': (0.095, 0.006),
         'lip_base_mid': -0.012, 'naso_3': (0.07, 0.01), 'sulk_1': (0.11, 0.03),
         'sulk_2': (0.09, 0.02), 'jaw_3': (0.018, 0.0)},
        {'sulk': 0.35, 'dimple': 0.35}),
    23: ActionUnit(  # lip tightener
        {'mouth_corner': (-0.05, 0.0), 'lip_top_2': (-0.025, 0.02),
         'lip_top_1': (-0.008, 0.034), 'lip_top_mid': 0.034,
         'lip_base_1': (-0.025, -0.026), 'lip_base_mid': -0.04,
         'mouth_up_1': (-0.022, 0.0), 'mouth_low_1': (-0.022, 0.0)},
        {'chin': 0.45, 'sulk': 0.25}),
    24: ActionUnit(  # lip pressor
        {'lip_top_2': 0.02, 'lip_top_1': 0.034, 'lip_top_mid': 0.034,
         'lip_base_1': -0.026, 'lip_base_mid': -0.038, 'mouth_corner': 0.012},
        {'chin': 0.4, 'dimple': 0.3}),
    25: ActionUnit(  # lips part
        {'mouth_up_mid': -0.032, 'mouth_up_1': -0.024, 'lip_top_mid': -0.018,
         'lip_top_1': -0.018, 'lip_top_2': -0.012, 'mouth_low_mid': 0.07,
         'mouth_low_1': 0.048, 'lip_base_mid': 0.066, 'lip_base_1': 0.048}),
    26: ActionUnit(  # jaw drop
        {'mouth_corner': (-0.065, 0.085), 'mouth_up_1': (-0.02, -0.006),
         'mouth_up_mid': -0.012, 'mouth_low_1': (-0.015, 0.185), 'mouth_low_mid': 0.235,
         'lip_base_1': (-0.025, 0.19), 'lip_base_mid': 0.23,
         'lip_top_2': (-0.03, 0.014), 'sulk_1': (-0.03, 0.11), 'sulk_2': (-0.01, 0.12),
         'naso_3': (-0.02, 0.04), 'chin_fold_1': 0.175, 'chin_fold_mid': 0.18,
         'chin_boss_mid': 0.165, 'chin_mid': 0.15, 'jaw_5': 0.145,
         'jaw_4': (-0.005, 0.115), 'jaw_3': (-0.01, 0.06), 'jaw_2': (-0.01, 0.015)}),
}
# fmt: on
"""The action units by their number in FACS."""

NUMBERS = tuple(ACTION_UNITS)
"""FACS number of each row of the intensities."""

ROWS = {number: row for row, number in enumerate(NUMBERS)}
"""Row of the intensities for each FACS number."""

_MOVES = np.zeros((len(NUMBERS), len(INDEX), 2))
_FOLD_DEPTHS = np.zeros((len(NUMBERS), len(FOLDS)))
for _row, _unit in enumerate(ACTION_UNITS.values()):
    for _name, _move in _unit.moves.items():
        _MOVES[_row, INDEX[_name]] = _move if isinstance(_move, tuple) else (0, _move)
    for _name, _depth in _unit.folds.items():
        _FOLD_DEPTHS[_row, FOLDS.index(_name)] = _depth


def displacements(intensities: np.ndarray) -> np.ndarray:
    """Return the displacements (outwards, down) of the landmarks, (2, K, 2).

    Args:
        intensities: Intensities of the units in each half of the face, (2, units).
    """
    return np.tensordot(intensities, _MOVES, axes=1)


def fold_depths(intensities: np.ndarray) -> np.ndarray:
    """Return the depths (2, folds) that the units add to the folds of each half."""
    return intensities @ _FOLD_DEPTHS


@dataclass(frozen=True)
class Emotion:
    """The action units of one emotion."""

    always: tuple[int, ...]
    maybe: dict[int, float] = field(default_factory=dict)  # with probabilities
    one_sided: bool = False  # only one half of the face shows them


EMOTIONS: dict[str, Emotion] = {
    'Surprise': Emotion((1, 2, 5, 26), {25: 0.35}),
    'Fear': Emotion((1, 2, 4, 5, 20, 26), {25: 0.3}),
    'Disgust': Emotion((9, 10, 15), {4: 0.35, 7: 0.35}),
    'Happiness': Emotion((6, 12), {25: 0.65}),
    'Sadness': Emotion((1, 4, 15)),
    'Anger': Emotion((4, 5, 7, 23), {24: 0.5}),
    'Neutral': Emotion(()),
    'Contempt': Emotion((12, 14), one_sided=True),
}
"""The emotions in the order of RAF-DB, with contempt last."""


def sample_intensities(
    rng: np.random.Generator, emotion: str, difficulty: float
) -> np.ndarray:
    """Sample the intensities (2, units) of all units in each half of one face.

    Harder faces have weaker expressions, and more often show units that do not belong
    to the emotion. Difficulty is from 0 to 1.
    """
    spec = EMOTIONS[emotion]
    out = np.zeros((2, len(NUMBERS)))
    weakest = 0.85 - 0.65 * difficulty - 0.10 * difficulty**2
    strongest = 1.0 - 0.15 * difficulty
    overall = span(rng, weakest, strongest)
    sometimes = [unit for unit, share in spec.maybe.items() if chance(rng, share)]
    for unit in (*spec.always, *sometimes):
        spread = 0.15 + 0.15 * difficulty + 0.45 * difficulty**2
        out[:, ROWS[unit]] = overall * span(rng, 1.0 - spread, 1.0 + spread)
    if spec.one_sided:
        weak_side = pick(rng, (0, 1))
        out[weak_side] *= 0.15 * difficulty
    else:
        # faces are never perfectly symmetric
        out *= 1.0 + np.array([[1.0], [-1.0]]) * span(rng, -0.12, 0.12)

    for _ in range(3):
        if chance(rng, 0.15 + 0.55 * difficulty**2):
            unit = pick(rng, NUMBERS)
            strength = difficulty * span(rng, 0.20, 0.90)
            out[:, ROWS[unit]] = np.maximum(out[:, ROWS[unit]], strength)
    return np.minimum(out, 1.0)
