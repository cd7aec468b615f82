"""Reads the validations in the log of a training."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple


class Validation(NamedTuple):
    """Accuracies of one validation in percent, with 95 % intervals if computed.

    ``step`` is the epoch, or iteration in iteration-based training, counting from 1.
    """

    step: int
    top1: float
    mean_class: float
    top1_interval: tuple[float, float] | None = None
    mean_class_interval: tuple[float, float] | None = None


def accuracy_text(accuracy: float, interval: tuple[float, float] | None) -> str:
    """Format an accuracy in percent, with its interval if there is one."""
    text = f'{accuracy:.2f} %'
    if interval is not None:
        text += f' (95 % interval {interval[0]:.2f} to {interval[1]:.2f})'
    return text


def read_accuracy(
    record: Mapping[str, float], name: str
) -> tuple[float, tuple[float, float] | None]:
    """Return 'top1' or 'mean_class' and its interval from metrics of ``FERMetric``."""
    key = f'accuracy/{name}'
    if f'{key}_low' not in record:
        return record[key], None
    return record[key], (record[f'{key}_low'], record[f'{key}_high'])


def scalar_files(run: Path) -> list[Path]:
    """Find the scalars of a work dir, the folder of one run or such a file, by time."""
    if run.is_file():
        return [run]
    own = run / 'vis_data/scalars.json'
    # the folders of runs are named by time
    return [own] if own.is_file() else sorted(run.glob('*/vis_data/scalars.json'))


def read_scalars(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of scalars, which has one JSON object per line.

    Raises:
        ValueError: A line is not a JSON object.
    """
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            raise ValueError(f'{path}:{number} is not a JSON object')
        yield record


def read_validations(work_dir: Path) -> list[Validation]:
    """Read all validations by ``FERMetric`` in a work dir, in order of steps.

    A resumed run writes a log of its own. Logs are read in order of time, and if a step
    was repeated, its last validation counts.
    """
    found: dict[int, Validation] = {}
    for record in chain.from_iterable(map(read_scalars, scalar_files(work_dir))):
        if 'accuracy/mean_class' in record and 'loss' not in record:
            top1, top1_interval = read_accuracy(record, 'top1')
            mean, mean_interval = read_accuracy(record, 'mean_class')
            found[record['step']] = Validation(
                record['step'], top1, mean, top1_interval, mean_interval
            )
    return [found[step] for step in sorted(found)]


def best_on_test(validations: list[Validation]) -> Validation:
    """Return the validation with the highest top-1 accuracy, the first of equals.

    If the test split serves as validation split, as in the published protocol of FER,
    this epoch is selected on the test set.
    """
    return max(validations, key=lambda v: v.top1)


def validation_rows(validations: list[Validation]) -> list[tuple[str, str]]:
    """Return titles and texts of the best and the last validation, if there are any."""
    if not validations:
        return []
    shown = {'Best epoch': best_on_test(validations), 'Last epoch': validations[-1]}
    return [
        (
            title,
            f'top-1 {accuracy_text(v.top1, v.top1_interval)}, mean class '
            f'{accuracy_text(v.mean_class, v.mean_class_interval)}, step {v.step}',
        )
        for title, v in shown.items()
    ]
