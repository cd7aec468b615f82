"""Reads what a training run wrote about its validations."""

import json
from pathlib import Path
from typing import NamedTuple


class Validation(NamedTuple):
    """Accuracies of one validation.

    Attributes:
        step: Epoch, or iteration in iteration-based training, counted from 1.
        top1: Top-1 accuracy in percent.
        mean_class: Mean class accuracy in percent.
    """

    step: int
    top1: float
    mean_class: float


def read_validations(work_dir: Path) -> list[Validation]:
    """Reads all validations of a work dir in order.

    A resumed run writes a log of its own: logs are read by time, and a step that
    was done again counts as last done.

    Args:
        work_dir: Work dir of ``tools/train.py``, evaluated by ``FERMetric``.

    Returns:
        The validations, by step.
    """
    found: dict[int, Validation] = {}
    for log in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if 'accuracy/mean_class' in record and 'loss' not in record:
                validation = Validation(
                    record['step'],
                    record['accuracy/top1'],
                    record['accuracy/mean_class'],
                )
                found[validation.step] = validation
    return [found[step] for step in sorted(found)]


def best_on_test(validations: list[Validation]) -> Validation:
    """The validation with the highest top-1, the first of equals.

    Where the test split serves as validation split, as in the published
    protocol of FER, this figure is chosen on the test set.
    """
    return max(validations, key=lambda v: v.top1)
