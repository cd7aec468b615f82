"""The action units of each emotion, and how strongly they show."""

from dataclasses import dataclass, field

import numpy as np

from .action_units import NUMBERS, ROWS
from .rng import chance, pick, span


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
