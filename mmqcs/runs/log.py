"""Reads the validations in the log of a training."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Validation(NamedTuple):
    """Accuracies of one validation.

    Attributes:
        step: Epoch, or iteration in iteration-based training, counting from 1.
        top1: Top-1 accuracy in percent.
        mean_class: Mean class accuracy in percent.
        top1_interval: 95 % confidence interval of ``top1``, if it was computed.
        mean_class_interval: 95 % confidence interval of ``mean_class``, likewise.
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
    """Return an accuracy and its interval from the metrics of ``FERMetric``.

    Args:
        record: Metrics.
        name: ``'top1'`` or ``'mean_class'``.
    """
    key = f'accuracy/{name}'
    interval = (
        (record[f'{key}_low'], record[f'{key}_high'])
        if f'{key}_low' in record
        else None
    )
    return record[key], interval


def scalar_files(run: Path) -> list[Path]:
    """Find the scalars that MMEngine's local backend wrote, one JSON object per line.

    Args:
        run: Work dir, folder of one run, or such a file.

    Returns:
        Files of the training runs, in order of time.
    """
    if run.is_file():
        return [run]
    own = run / 'vis_data/scalars.json'
    # the folders of runs are named by time
    return [own] if own.is_file() else sorted(run.glob('*/vis_data/scalars.json'))


def read_validations(work_dir: Path) -> list[Validation]:
    """Read all validations of a work dir, in order of steps.

    A resumed run writes a log of its own. Logs are read in order of time, and if a step
    was repeated, its last validation counts.

    Args:
        work_dir: Work dir of a training that was evaluated by ``FERMetric``.
    """
    found: dict[int, Validation] = {}
    for log in scalar_files(work_dir):
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if 'accuracy/mean_class' in record and 'loss' not in record:
                top1, top1_interval = read_accuracy(record, 'top1')
                mean, mean_interval = read_accuracy(record, 'mean_class')
                validation = Validation(
                    record['step'], top1, mean, top1_interval, mean_interval
                )
                found[validation.step] = validation
    return [found[step] for step in sorted(found)]


def best_on_test(validations: list[Validation]) -> Validation:
    """Return the validation with the highest top-1 accuracy, the first of equals.

    If the test split serves as validation split, as in the published protocol of FER,
    this epoch is selected on the test set.
    """
    return max(validations, key=lambda v: v.top1)


def validation_rows(validations: list[Validation]) -> list[tuple[str, str]]:
    """Describe the best and the last validation of a training.

    Args:
        validations: All validations, in order of steps; none gives no rows.

    Returns:
        Title and text of each.
    """
    if not validations:
        return []
    return [
        (
            title,
            f'top-1 {accuracy_text(v.top1, v.top1_interval)}, mean class '
            f'{accuracy_text(v.mean_class, v.mean_class_interval)}, step {v.step}',
        )
        for title, v in (
            ('Best on test', best_on_test(validations)),
            ('Last epoch', validations[-1]),
        )
    ]
