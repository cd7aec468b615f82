"""Independent random generators for the samplers."""

import numpy as np

_PURPOSES = ('anchors', 'companions')


def epoch_generator(
    purpose: str, seed: int, epoch: int, rank: int = 0
) -> np.random.Generator:
    """Create the generator for a purpose, seed, epoch and rank.

    The purpose is part of the key because NumPy pads short keys with zeros:
    (seed, epoch) and (seed, epoch, 0) would give the same numbers.

    Args:
        purpose: ``'anchors'`` or ``'companions'``.
        seed: Seed of the run, ≥ 0.
        epoch: Epoch, ≥ 0.
        rank: Process, ≥ 0. Omit it for draws that all ranks share.
    """
    return np.random.default_rng((1 + _PURPOSES.index(purpose), seed, epoch, rank))
