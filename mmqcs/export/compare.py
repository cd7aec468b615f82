"""Accuracy and speed of exported models beside those of PyTorch."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.utils import track_iter_progress

from mmqcs.evaluation import FERMetric
from mmqcs.registry import METRICS

from .check import Run
from .errors import ExportError, first_line
from .subject import Subject

__all__ = [
    'Result',
    'measure_accuracy',
    'measure_speed',
    'onnx_run',
    'table',
    'torch_run',
]

BATCHES = (1, 16)
"""Sizes of the batches that are timed."""

ROUNDS = 5
"""How often at least."""


class Result(NamedTuple):
    """What a model did on the test set.

    Attributes:
        metrics: Of the config's evaluator.
        agreement: Share of faces that get the class that the first model gives them.
    """

    metrics: dict[str, float]
    agreement: float


def measure_accuracy(
    config: Config, subject: Subject, runs: Mapping[str, Run]
) -> dict[str, Result]:
    """Tests networks on the whole test set by the evaluator of the config.

    Args:
        config: A whole config.
        subject: The classifier that was exported.
        runs: Networks by name, each from normalised images to scores.

    Returns:
        Results by name.

    Raises:
        ExportError: The config has no test_evaluator.
    """
    if not config.get('test_evaluator'):
        raise ExportError('the config has no test_evaluator to measure the accuracy by')
    loader = subject.data.loader
    evaluators = {name: _evaluator(config, loader.dataset) for name in runs}
    labels: dict[str, list[np.ndarray]] = {name: [] for name in runs}
    for batch in track_iter_progress((loader, len(loader))):
        data = subject.model.data_preprocessor(batch)
        inputs = data['inputs'].numpy()
        for name, run in runs.items():
            scores = run(inputs)
            labels[name].append(scores.argmax(axis=1))
            samples = [sample.clone() for sample in data['data_samples']]
            for sample, score in zip(samples, torch.from_numpy(scores), strict=True):
                sample.set_pred_score(score).set_pred_label(score.argmax()[None])
            evaluators[name].process(samples)
    print()
    first = np.concatenate(labels[next(iter(runs))])
    return {
        name: Result(
            evaluator.evaluate(len(loader.dataset)),
            float((np.concatenate(labels[name]) == first).mean()),
        )
        for name, evaluator in evaluators.items()
    }


def _evaluator(config: Config, dataset: Any) -> Evaluator:
    settings = config.test_evaluator
    metrics = []
    for metric in settings if isinstance(settings, list | tuple) else [settings]:
        metric = dict(metric)
        if METRICS.get(metric['type']) is FERMetric:
            metric['confusion_matrix'] = False  # there is no visualizer
        metrics.append(metric)
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dataset.metainfo
    return evaluator


def measure_speed(
    subject: Subject, runs: Mapping[str, Run], seconds: float = 1.0
) -> dict[str, dict[int, float]]:
    """Times networks on normalised images, taking turns.

    The shortest time counts: what makes others longer is the rest of the machine.

    Args:
        subject: The classifier that was exported.
        runs: Networks by name.
        seconds: About how long to measure a size of batches.

    Returns:
        Seconds a face, by name and size of the batch.
    """
    size = subject.description.input_size
    images = np.random.default_rng(0).standard_normal((max(BATCHES), 3, *size))
    images = images.astype(np.float32)
    times: dict[str, dict[int, float]] = {name: {} for name in runs}
    for batch in BATCHES:
        taken: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run(images[:batch])  # the first call allocates
        end = time.perf_counter() + seconds
        rounds = 0
        while time.perf_counter() < end or rounds < ROUNDS:
            rounds += 1
            for name, run in runs.items():
                start = time.perf_counter()
                run(images[:batch])
                taken[name].append(time.perf_counter() - start)
        for name, values in taken.items():
            times[name][batch] = min(values) / batch
    return times


def table(
    results: Mapping[str, Result],
    sizes: Mapping[str, int],
    times: Mapping[str, Mapping[int, float]],
) -> str:
    """A Markdown table, a row a model; speeds are ratios to the first one.

    Args:
        results: Accuracy by name.
        sizes: Bytes of the file by name; models without one are left open.
        times: Seconds a face by name and size of the batch.
    """
    first = next(iter(results))
    shown = [
        key
        for key, value in results[first].metrics.items()
        if isinstance(value, float) and _is_accuracy(key)
    ]
    rows = [['model', 'file', *shown, f'same class as {first}']]
    rows[0] += [f'ms a face, batch {n}' for n in BATCHES]
    rows[0] += [f'speed, batch {n}' for n in BATCHES]
    rows.append(['---'] * len(rows[0]))
    for name, result in results.items():
        size = f'{sizes[name] / 2**20:.1f} MiB' if name in sizes else ''
        values = [f'{result.metrics[key]:.2f}' for key in shown]
        spent = [f'{1000 * times[name][n]:.1f}' for n in BATCHES]
        ratios = [f'{times[first][n] / times[name][n]:.2f}' for n in BATCHES]
        agreement = f'{100 * result.agreement:.1f} %'
        rows.append([name, size, *values, agreement, *spent, *ratios])
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def _is_accuracy(key: str) -> bool:
    return not key.startswith('recall/') and not key.endswith(('_low', '_high'))


def torch_run(net: Callable[..., Any]) -> Run:
    """A module that gives (scores, logits) as a function of arrays."""

    def run(inputs: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return net(torch.from_numpy(inputs))[0].numpy()

    return run


def onnx_run(model: Path | bytes) -> Run:
    """An ONNX file or its content as a function, on as many threads as PyTorch.

    Raises:
        ExportError: onnxruntime cannot run it, for example because it is older than
            the opset.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    providers = ['CPUExecutionProvider']
    if isinstance(model, Path):
        model = str(model)
    try:
        session = onnxruntime.InferenceSession(model, options, providers=providers)
    except Exception as error:  # its exceptions have no common class of their own
        raise ExportError(
            f'onnxruntime {onnxruntime.__version__} cannot run the exported model: '
            f'{first_line(error)}'
        ) from error
    name = session.get_inputs()[0].name

    def run(inputs: np.ndarray) -> np.ndarray:
        return session.run(['scores'], {name: inputs})[0]

    return run
