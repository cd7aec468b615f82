"""Compare the scores of an exported file with those of PyTorch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from mmqcs.deployment.onnx_classifier import batches_of_one_shape, open_session

TOLERANCE = 1e-4
"""Largest allowed difference of a score between an exported file and PyTorch."""

Run = Callable[[np.ndarray], np.ndarray]
"""Function from a batch to scores, (B, classes)."""


class ExportError(ValueError):
    """The model cannot be exported, or the exported file is wrong."""


class Check(NamedTuple):
    """Result of comparing an exported file with PyTorch."""

    difference: float
    """Largest difference of a score."""
    batches: tuple[int, ...]
    """Batch sizes that were run."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def torch_run(module: nn.Module) -> Run:
    """Wrap a module that returns (scores, logits)."""

    def run(inputs: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.from_numpy(inputs))[0].numpy()

    return run


def onnx_run(path: Path) -> Run:
    """Wrap an ONNX file, run on as many threads as PyTorch uses."""
    session = open_session(path, torch.get_num_threads(), None)
    name = session.get_inputs()[0].name
    return lambda inputs: session.run(['scores'], {name: inputs})[0]


def scores_of(run: Run, inputs: Sequence[np.ndarray], batch_size: int) -> np.ndarray:
    """Return the scores of inputs, (N, classes), computed in batches of one shape."""
    parts, order = [], []
    for indices in batches_of_one_shape([x.shape for x in inputs], batch_size):
        parts.append(run(np.stack([inputs[i] for i in indices])))
        order += indices
    return np.concatenate(parts)[np.argsort(order)]


def check_scores(found: np.ndarray, expected: np.ndarray, problem: str) -> float:
    """Return the largest difference; raise an error if it is above ``TOLERANCE``."""
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE:  # also true for NaN
        raise ExportError(
            f'{problem}: scores differ from those of PyTorch by {difference:.2g}, more '
            f'than {TOLERANCE:g}'
        )
    return difference


def check_export(run: Run, inputs: Sequence[np.ndarray], expected: np.ndarray) -> Check:
    """Run an exported model on single inputs and on the largest possible batches.

    If the shapes of all inputs differ, the first one is duplicated to check that the
    batch size is dynamic. Scores must be within ``TOLERANCE`` of those expected.
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
        except Exception as error:  # neither runtime has a base class of its errors
            raise ExportError(
                f'the exported model does not run in batches of {size}: '
                f'{first_line(error)}'
            ) from error
        if found.shape != expected.shape:
            raise ExportError(
                f'the exported model returns scores of shape {found.shape}, PyTorch '
                f'{expected.shape}'
            )
        problem = f'the exported model is wrong in batches of {size}'
        differences.append(check_scores(found, expected, problem))
    return Check(max(differences), (1, largest))
