"""Checks of the scores that a network gives."""

import numpy as np

__all__ = ['check_scores']


def check_scores(scores: np.ndarray) -> np.ndarray:
    """Return scores, unless the network failed to compute them.

    Args:
        scores: (N, classes).

    Raises:
        ValueError: A score is NaN or infinite.
    """
    broken = ~np.isfinite(scores).all(axis=1)
    if broken.any():
        raise ValueError(
            f'the scores of {int(broken.sum())} of {len(scores)} faces are not finite: '
            f'the weights are damaged, or their numbers are too large'
        )
    return scores
