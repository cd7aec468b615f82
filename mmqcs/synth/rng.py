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

STREAMS = ('label', 'identity', 'expression', 'nuisance', 'frame', 'scene', 'clutter')
"""Independent streams; the position is part of the key of a generator."""


def generator(
    seed: int, split: str, stream: str, index: int = 0
) -> np.random.Generator:
    """Return the generator of one of the :data:`STREAMS` of one image."""
    if split not in SPLITS:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    if index < 0:
        raise ValueError(f'index must be >= 0, got {index}')
    key = [seed, SPLITS[split], STREAMS.index(stream), index]
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
