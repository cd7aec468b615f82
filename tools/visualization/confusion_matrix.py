"""Draw the confusion matrix of a test, or of the best validation of a training.

    python tools/visualization/confusion_matrix.py work_dirs/qcs_ir50_raf
    python tools/visualization/confusion_matrix.py RUN/predictions.npz --out matrix.svg

The predictions are those that mmqcs.ReportHook keeps.
"""

from pathlib import Path

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail, failing_on
from mmqcs.functional.bootstrap import accuracies
from mmqcs.runs.log import read_validations
from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import PREDICTIONS, find_evaluation, read_records
from mmqcs.visualization import confusion_figure


def find_predictions(run: Path) -> tuple[Predictions, str]:
    """Return the predictions and their title, or fail in one line."""
    with failing_on(ValueError):
        if run.is_file():
            return Predictions.load(run), run.parent.name
        evaluation = find_evaluation(list(read_records(run)), read_validations(run))
    if evaluation is None:
        fail(
            f'no predictions in {run}: looked for {run}/*/{PREDICTIONS}, which '
            f'mmqcs.ReportHook writes'
        )
    return evaluation.predictions, evaluation.title


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        'run',
        type=Path,
        help=f'work dir, whose newest test or training is shown, or a {PREDICTIONS}',
    )
    add_out(parser, 'confusion_matrix.png')
    args = parser.parse_args()
    predictions, what = find_predictions(args.run)
    matrix = predictions.confusion_matrix()
    top1, mean_class = accuracies(matrix)
    title = f'{what}\ntop-1 {top1:.2f}%, mean class accuracy {mean_class:.2f}%'
    save_or_fail(confusion_figure(matrix, predictions.classes, title), args.out)


if __name__ == '__main__':
    main()
