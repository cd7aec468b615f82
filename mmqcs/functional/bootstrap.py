"""Confidence intervals of accuracies by the bootstrap."""

import numpy as np
from numpy.random import Generator


def accuracies(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 and mean class accuracy of confusion matrices.

    A class without images is left out of the mean.

    Args:
        matrix: Counts (..., C, C); rows are true, columns predicted classes.

    Returns:
        Both accuracies in percent, (...).
    """
    correct = np.diagonal(matrix, axis1=-2, axis2=-1)
    support = matrix.sum(axis=-1)
    top1 = 100 * correct.sum(axis=-1) / support.sum(axis=-1)
    recall = np.where(support > 0, correct / np.maximum(support, 1), np.nan)
    return top1, 100 * np.nanmean(recall, axis=-1)


def bootstrap_intervals(
    matrix: np.ndarray, rng: Generator, samples: int = 2000, level: float = 0.95
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Percentile intervals of top-1 and mean class accuracy.

    Drawing N images anew with replacement changes nothing but how many fall
    into each cell of the confusion matrix, so the cells are drawn at once from
    a multinomial distribution.

    Args:
        matrix: Counts (C, C) of N images.
        rng: Source of randomness.
        samples: Number of draws.
        level: Probability mass of the interval.

    Returns:
        (low, high) of top-1 and of mean class accuracy, in percent.

    Raises:
        ValueError: There are no images, no draws, or the level is not in (0, 1).
    """
    total = int(matrix.sum())
    if total == 0 or samples < 1 or not 0 < level < 1:
        raise ValueError(
            f'bootstrap needs images, samples ≥ 1 and a level between 0 and 1; got '
            f'{total} images, samples {samples}, level {level}'
        )
    draws = rng.multinomial(total, matrix.ravel() / total, size=samples)
    draws = draws.reshape(samples, *matrix.shape)
    tails = [50 * (1 - level), 50 * (1 + level)]
    intervals = [np.percentile(values, tails) for values in accuracies(draws)]
    (a, b), (c, d) = (map(float, interval) for interval in intervals)
    return (a, b), (c, d)
