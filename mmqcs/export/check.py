"""Compares exported scores with those of PyTorch."""

from collections.abc import Callable, Sequence

import numpy as np

from mmqcs.deployment.batches import batches_of_one_shape

from .errors import ExportError, first_line

__all__ = ['TOLERANCE', 'check_scores', 'scores_of']

TOLERANCE = 1e-4
"""Largest difference of a score that an export may have from PyTorch."""

Run = Callable[[np.ndarray], np.ndarray]
"""From a batch to scores, (B, classes)."""


def scores_of(run: Run, inputs: Sequence[np.ndarray], batch_size: int) -> np.ndarray:
    """Scores of all inputs, in batches of one shape.

    Args:
        run: The exported model.
        inputs: Items of its batches.
        batch_size: How many at once.

    Returns:
        (N, classes).
    """
    parts, order = [], []
    for places in batches_of_one_shape([x.shape for x in inputs], batch_size):
        parts.append(run(np.stack([inputs[i] for i in places])))
        order += places
    return np.concatenate(parts)[np.argsort(order)]


def check_scores(
    run: Run, inputs: Sequence[np.ndarray], expected: np.ndarray
) -> tuple[float, tuple[int, ...]]:
    """Runs an exported model one by one and all at once.

    Args:
        run: The exported model.
        inputs: Items of its batches. If no two are of one shape, the first is given
            twice to see that the batch is dynamic.
        expected: Scores of PyTorch, (N, classes).

    Returns:
        The largest difference of a score, and the sizes of the batches that were run.

    Raises:
        ExportError: The difference exceeds ``TOLERANCE``, there are other shapes or
            no numbers, or the model does not run.
    """
    shapes = [x.shape for x in inputs]
    largest = max(map(len, batches_of_one_shape(shapes, len(shapes))))
    if largest == 1:
        inputs, expected = [*inputs, inputs[0]], np.append(expected, expected[:1], 0)
        largest = 2
    differences = []
    for size in (1, largest):
        try:
            found = scores_of(run, inputs, size)
        except Exception as error:  # of onnxruntime or of a program of PyTorch
            raise ExportError(
                f'the exported model does not run in batches of {size}: '
                f'{first_line(error)}'
            ) from error
        if found.shape != expected.shape:
            raise ExportError(
                f'the exported model gives scores of shape {found.shape}, PyTorch '
                f'{expected.shape}'
            )
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:  # nor if it is no number
            raise ExportError(
                f'the exported model is wrong: in batches of {size} its scores differ '
                f'from those of PyTorch by {difference:.2g}, more than {TOLERANCE:g}'
            )
        differences.append(difference)
    return max(differences), (1, largest)
