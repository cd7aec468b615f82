"""Print the result of the newest test run in a few lines."""

import argparse
import json
from pathlib import Path

from mmqcs.utils.cli import ArgumentParser, fail
from mmqcs.utils.run_log import Validation, best_on_test, read_validations


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', help='work dir of tools/test.py')
    parser.add_argument(
        '--checkpoint',
        help='the tested checkpoint; default: the newest best_*.pth in WORK_DIR, else '
        'the one named in last_checkpoint',
    )
    return parser.parse_args()


def find_test_run(work_dir: Path) -> tuple[Path, dict]:
    """Find the newest test run in a work dir.

    Args:
        work_dir: Work dir of ``tools/test.py``.

    Returns:
        Folder of the run and its metrics.
    """
    for path in sorted(work_dir.glob('*/*.json'), reverse=True):  # named by time
        if path.stem == path.parent.name:
            metrics = json.loads(path.read_text())
            if 'accuracy/mean_class' in metrics:
                return path.parent, metrics
    fail(
        f'no test run with mmqcs.FERMetric in {work_dir}: looked for '
        f'{work_dir}/TIME/TIME.json with accuracy/mean_class'
    )


def find_checkpoint(work_dir: Path) -> Path | None:
    """The newest best checkpoint of a work dir, else the last one."""
    best = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if best:
        return best[-1]
    last = work_dir / 'last_checkpoint'
    return Path(last.read_text().strip()) if last.is_file() else None


def with_interval(metrics: dict, name: str) -> str:
    """An accuracy, with its 95 % interval where it was computed."""
    text = f'{metrics[f"accuracy/{name}"]:.2f} %'
    if f'accuracy/{name}_low' in metrics:
        low, high = (metrics[f'accuracy/{name}_{end}'] for end in ('low', 'high'))
        text += f' (95 % interval {low:.2f} to {high:.2f})'
    return text


def validation_rows(validations: list[Validation]) -> list[tuple[str, str]]:
    """Best and last validation of the training, named as what they are."""
    if not validations:
        return []
    best, last = best_on_test(validations), validations[-1]
    return [
        (
            title,
            f'{v.top1:.2f} %, mean class {v.mean_class:.2f} % (step {v.step})',
        )
        for title, v in (('Best validation', best), ('Last validation', last))
    ]


def main() -> None:
    """Run the program."""
    args = parse_args()
    work_dir = Path(args.work_dir)
    run, metrics = find_test_run(work_dir)
    recalls = {
        key.removeprefix('recall/'): value
        for key, value in metrics.items()
        if key.startswith('recall/')
    }
    validations = read_validations(work_dir)
    rows = [
        ('Top-1 accuracy', with_interval(metrics, 'top1')),
        ('Mean class accuracy', with_interval(metrics, 'mean_class')),
        ('Recall (%)', ', '.join(f'{k} {v:.1f}' for k, v in recalls.items())),
        *validation_rows(validations),
        ('Checkpoint', args.checkpoint or find_checkpoint(work_dir)),
        ('Confusion matrix', next(run.rglob('confusion_matrix_*.png'), None)),
        ('Curves', next(work_dir.glob('curves.png'), None)),
    ]
    for name, value in rows:
        print(f'{name:<20} {value if value is not None else "not found"}')


if __name__ == '__main__':
    main()
