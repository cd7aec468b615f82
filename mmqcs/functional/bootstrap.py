"""Bootstrap confidence intervals of accuracies."""

import numpy as np
from numpy.random import Generator


def accuracies(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return top-1 and mean class accuracy of confusion matrices in percent, (...).

    A class without images does not count in the mean.

    Args:
        matrix: Counts (..., C, C); rows are true, columns predicted classes.
    """
    correct = np.diagonal(matrix, axis1=-2, axis2=-1)
    support = matrix.sum(axis=-1)
    top1 = 100 * correct.sum(axis=-1) / support.sum(axis=-1)
    recall = np.where(support > 0, correct / np.maximum(support, 1), np.nan)
    return top1, 100 * np.nanmean(recall, axis=-1)


def bootstrap_intervals(
    matrix: np.ndarray, rng: Generator, samples: int = 2000, level: float = 0.95
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return percentile intervals of top-1 and mean class accuracy in percent.

    Resampling N images only changes how many fall into each cell of the confusion
    matrix, so the cells are drawn from a multinomial distribution.

    Args:
        matrix: Counts (C, C) of N images.
        rng: Source of randomness.
        samples: Number of draws.
        level: Probability mass of the interval, between 0 and 1.

    Returns:
        (low, high) of top-1 and of mean class accuracy.

    Raises:
        ValueError: If there are no images or no draws, or the level is out of range.
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
