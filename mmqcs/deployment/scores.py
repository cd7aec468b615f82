"""Check the scores of a network."""

import numpy as np

__all__ = ['check_scores']


def check_scores(scores: np.ndarray) -> np.ndarray:
    """Return the scores if all of them are finite.

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
