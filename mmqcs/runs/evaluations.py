"""Finds the predictions that represent a work dir."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmqcs.runs.log import Validation, best_on_test
from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import PREDICTIONS, RunRecord


@dataclass(frozen=True)
class Evaluation:
    """Predictions and their origin.

    Args:
        folder: Folder of the run.
        title: Description of the evaluation, for people.
        predictions: The predictions.
    """

    folder: Path
    title: str
    predictions: Predictions


def find_evaluation(
    runs: Sequence[tuple[Path, RunRecord]], validations: list[Validation]
) -> Evaluation | None:
    """Find the newest predictions of a work dir.

    Of a training, these are the predictions of its best validation.

    Args:
        runs: Folder and record of each run, in order of time.
        validations: All validations of the work dir.

    Returns:
        The evaluation, or None if no run kept predictions.

    Raises:
        ValueError: The predictions cannot be read.
    """
    kept = [run for run in runs if (run[0] / PREDICTIONS).is_file()]
    if not kept:
        return None
    folder, record = kept[-1]
    if record.kind == 'train':
        if validations:
            best = best_on_test(validations).step
            found = [r for r in kept if r[1].kind == 'train' and r[1].step == best]
            if found:  # otherwise that validation ran without the hook
                folder, record = found[-1]
        title = f'validation at step {record.step}'
    else:
        weights = record.checkpoint
        title = f'test of {Path(weights).name}' if weights else 'test'
    return Evaluation(folder, title, Predictions.load(folder / PREDICTIONS))
