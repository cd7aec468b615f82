"""Random numbers that are the same on every machine and with every NumPy.

NumPy guarantees the raw stream of a bit generator, but not the results of the methods
of ``Generator``. Therefore only doubles of ``Generator.random``, each of which is one
raw number, and raw bytes are drawn. Everything else is computed from these.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar('T')

SPLITS = {'train': 0, 'test': 1}
"""Number of each split in the key of a generator."""

STREAMS = {
    'label': 0,
    'identity': 1,
    'expression': 2,
    'nuisance': 3,
    'frame': 4,
    'scene': 5,
    'clutter': 6,
}
"""Number of each independent stream in the key of a generator."""


def generator(
    seed: int, split: str, stream: str, index: int = 0
) -> np.random.Generator:
    """Return the generator of one stream of one image, which the arguments determine.

    Args:
        seed: Seed of the dataset, at least 0.
        split: A key of :data:`SPLITS`.
        stream: A key of :data:`STREAMS`.
        index: Index of the image in its split.
    """
    key = [seed, SPLITS[split], STREAMS[stream], index]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def span(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number uniformly from [low, high)."""
    return low + (high - low) * rng.random()


def bell(rng: np.random.Generator, spread: float = 1.0) -> float:
    """Draw from a bell-shaped density on (-spread, spread) with mean 0."""
    return spread * (2.0 / 3.0 * (rng.random() + rng.random() + rng.random()) - 1.0)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """Draw one of the choices, each with the same probability."""
    return choices[int(rng.random() * len(choices))]


def triangle(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw int16 integers from a triangular density on [-255, 255].

    Their mean is 0, their standard deviation about 104.5.
    """
    size = int(np.prod(shape))
    words = rng.bit_generator.random_raw((2 * size + 7) // 8)
    values = words.astype('<u8').view(np.uint8).astype(np.int16)
    return (values[:size] - values[size : 2 * size]).reshape(shape)
