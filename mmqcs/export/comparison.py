"""Compare the accuracy and speed of exported files with PyTorch."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import Evaluator

from .checks import ExportError, Run, scores_of, torch_run
from .pipeline import FaceBatch
from .source import ExportSource

BATCHES = (1, 16)
"""Batch sizes that are timed."""

_ROUNDS = 5
"""Minimum number of timed runs."""


class Result(NamedTuple):
    """Result of a model on the test set."""

    metrics: dict[str, Any]
    """Metrics of the config's evaluator."""
    agreement: float
    """Fraction of faces that get the same class as from PyTorch."""
    difference: float
    """Largest difference of a score from PyTorch."""


def measure_accuracy(
    source: ExportSource, runs: Mapping[str, Run], batches: Iterable[FaceBatch]
) -> dict[str, Result]:
    """Evaluate the classifier, named 'PyTorch', and exported files on test faces."""
    if not source.config.get('test_evaluator'):
        raise ExportError('the config has no test_evaluator to measure accuracy with')
    evaluators = {}
    for name in ('PyTorch', *runs):
        evaluators[name] = Evaluator(source.config.test_evaluator)
        evaluators[name].dataset_meta = source.data.test_set.metainfo
    all_scores: dict[str, list[np.ndarray]] = {name: [] for name in evaluators}
    for batch in batches:
        inputs = source.graph_inputs(batch)
        all_scores['PyTorch'].append(source.predict(batch))
        for name, run in runs.items():
            all_scores[name].append(scores_of(run, inputs, len(inputs)))
        for name, evaluator in evaluators.items():
            samples = [sample.clone() for sample in batch.samples]
            scores = torch.from_numpy(all_scores[name][-1])
            for sample, score in zip(samples, scores, strict=True):
                sample.set_pred_score(score).set_pred_label(score.argmax()[None])
            evaluator.process(samples)
    joined = {name: np.concatenate(parts) for name, parts in all_scores.items()}
    first = joined['PyTorch']
    return {
        name: Result(
            evaluators[name].evaluate(len(scores)),
            float((scores.argmax(1) == first.argmax(1)).mean()),
            float(np.abs(scores - first).max()),
        )
        for name, scores in joined.items()
    }


def measure_speed(
    source: ExportSource, runs: Mapping[str, Run], seconds: float = 1.0
) -> dict[str, dict[int, float]]:
    """Return seconds per face by name and batch size, which each take ``seconds``.

    Runs take turns on copies of the first check face. The shortest time counts, since
    other work on the machine only adds to it.
    """
    runs = {'PyTorch': torch_run(source.module), **runs}
    times: dict[str, dict[int, float]] = {name: {} for name in runs}
    for size in BATCHES:
        inputs = np.stack([source.inputs[0]] * size)
        taken: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run(inputs)  # the first call allocates memory
        end = time.perf_counter() + seconds
        rounds = 0
        while time.perf_counter() < end or rounds < _ROUNDS:
            rounds += 1
            for name, run in runs.items():
                start = time.perf_counter()
                run(inputs)
                taken[name].append(time.perf_counter() - start)
        for name, values in taken.items():
            times[name][size] = min(values) / size
    return times
