"""Random numbers that are the same on every machine.

NumPy promises the raw stream of a bit generator for ever, not that of the
methods of ``Generator``. Therefore only two things are drawn here: doubles by
``Generator.random``, each of which is one raw number, and raw bytes. All else
is computed from them.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = [
    'SPLITS',
    'STREAMS',
    'bell',
    'chance',
    'generator',
    'pick',
    'span',
    'triangle',
]

T = TypeVar('T')

SPLITS = {'train': 0, 'test': 1}
"""The number of each split in a generator's key."""

STREAMS = {
    'label': 0,
    'identity': 1,
    'expression': 2,
    'nuisance': 3,
    'frame': 4,
    'scene': 5,
    'clutter': 6,
}
"""The number of each independent stream in a generator's key."""


def generator(
    seed: int, split: str, stream: str, index: int = 0
) -> np.random.Generator:
    """Makes the generator of one stream of one image.

    Args:
        seed: Seed of the data set, at least 0.
        split: A key of :data:`SPLITS`.
        stream: A key of :data:`STREAMS`.
        index: Number of the image in its split.

    Returns:
        A generator that depends on nothing but the arguments.
    """
    key = [seed, SPLITS[split], STREAMS[stream], index]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def span(rng: np.random.Generator, low: float, high: float) -> float:
    """Draws a number uniformly from [low, high)."""
    return low + (high - low) * rng.random()


def bell(rng: np.random.Generator, spread: float = 1.0) -> float:
    """Draws from a bell-shaped density on (-spread, spread), mean 0."""
    return spread * (2.0 / 3.0 * (rng.random() + rng.random() + rng.random()) - 1.0)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Is True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """Draws one of the choices, all equally likely."""
    return choices[int(rng.random() * len(choices))]


def triangle(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws integers of a triangular density on [-255, 255].

    Args:
        rng: The generator.
        shape: Shape of the result.

    Returns:
        int16 array of mean 0 and standard deviation about 104.5.
    """
    size = int(np.prod(shape))
    words = rng.bit_generator.random_raw((2 * size + 7) // 8)
    values = words.astype('<u8').view(np.uint8).astype(np.int16)
    return (values[:size] - values[size : 2 * size]).reshape(shape)
