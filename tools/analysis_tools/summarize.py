"""Print the result of the newest test run in a few lines.

Two validations of the training are shown: "best epoch", which is selected by the
accuracy that it reports, and "last epoch". The published protocol reports the best
epoch on the test split.
"""

import json
from pathlib import Path

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.runs.log import (
    accuracy_text,
    read_accuracy,
    read_validations,
    validation_rows,
)


def find_test_run(work_dir: Path) -> tuple[Path, dict]:
    """Return folder and metrics of the newest test run in a work dir."""
    # the folders are named by time
    for path in sorted(work_dir.glob('*/*.json'), reverse=True):
        if path.stem == path.parent.name:
            metrics = json.loads(path.read_text())
            if 'accuracy/mean_class' in metrics:
                return path.parent, metrics
    fail(
        f'no test run with mmqcs.FERMetric in {work_dir}: looked for '
        f'{work_dir}/TIME/TIME.json with accuracy/mean_class'
    )


def find_checkpoint(work_dir: Path) -> Path | None:
    """Return the newest best checkpoint of a work dir, otherwise the last one."""
    best = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if best:
        return best[-1]
    last = work_dir / 'last_checkpoint'
    return Path(last.read_text().strip()) if last.is_file() else None


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', help='work dir of tools/test.py')
    parser.add_argument(
        '--checkpoint',
        help='the tested checkpoint (default: the newest best_*.pth in WORK_DIR, '
        'otherwise the one in last_checkpoint)',
    )
    args = parser.parse_args()
    work_dir = Path(args.work_dir)
    run, metrics = find_test_run(work_dir)
    recalls = {
        key.removeprefix('recall/'): value
        for key, value in metrics.items()
        if key.startswith('recall/')
    }
    rows = [
        ('Top-1 accuracy', accuracy_text(*read_accuracy(metrics, 'top1'))),
        ('Mean class accuracy', accuracy_text(*read_accuracy(metrics, 'mean_class'))),
        ('Recall (%)', ', '.join(f'{k} {v:.1f}' for k, v in recalls.items())),
        *validation_rows(read_validations(work_dir)),
        ('Checkpoint', args.checkpoint or find_checkpoint(work_dir)),
        ('Confusion matrix', next(run.rglob('confusion_matrix_*.png'), None)),
        ('Curves', next(work_dir.glob('curves.png'), None)),
        ('Report', next(work_dir.glob('report.html'), None)),
    ]
    for name, value in rows:
        print(f'{name:<20} {value if value is not None else "not found"}')


if __name__ == '__main__':
    main()
