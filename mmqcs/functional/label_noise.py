"""Wrong labels by design, for studies of robustness."""

import numpy as np
from numpy.random import Generator


def flip_labels(
    labels: np.ndarray, transitions: np.ndarray, rate: float, rng: Generator
) -> np.ndarray:
    """Replace a share of the labels of each class by labels of other classes.

    Of the n images of a class, exactly ``rate · n`` are flipped, rounded to the nearest
    integer. Which ones is uniform. Their new labels are drawn independently in
    proportion to the row of the class. A class whose row is zero keeps its labels.

    Args:
        labels: Class of each image, (N,).
        transitions: Row i has the weights of the new classes for class i, ≥ 0 and with
            a zero on the diagonal, (K, K).
        rate: Share of the labels, from 0 to 1.
        rng: Source of randomness.

    Returns:
        The new labels, (N,).

    Examples:
        >>> labels = np.array([0, 0, 0, 0, 1, 1])
        >>> transitions = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0]])
        >>> flip_labels(labels, transitions, 0.5, np.random.default_rng(0))
        array([2, 0, 2, 0, 1, 1])
    """
    flipped = labels.copy()
    for label, row in enumerate(transitions):
        if row.any():
            images = np.flatnonzero(labels == label)
            chosen = rng.permutation(images)[: int(rate * len(images) + 0.5)]
            shares = row / row.sum()
            flipped[chosen] = rng.choice(len(row), size=len(chosen), p=shares)
    return flipped
