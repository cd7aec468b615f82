"""Train one config with several seeds and report mean ± standard deviation.

Each run has two results: "best on test", the published protocol, which selects the
epoch by the reported accuracy itself, and "last epoch". Completed seeds are not trained
again, and an interrupted one is resumed.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.tables import markdown_table
from mmqcs.cli.training_runs import train_once
from mmqcs.runs.log import Validation, best_on_test, read_validations


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1, 2], help='default: 0 1 2'
    )
    parser.add_argument(
        '--work-dir', type=Path, help='default: work_dirs/CONFIG_NAME-seeds'
    )
    parser.epilog = 'Arguments after -- are passed to tools/train.py.'
    own, rest = sys.argv[1:], []
    if '--' in own:
        split = own.index('--')
        own, rest = own[:split], own[split + 1 :]
    args = parser.parse_args(own)
    args.train_args = rest
    return args


def table(runs: dict[int, dict[str, Validation]]) -> str:
    """Return a Markdown table with a row per seed, then mean ± standard deviation."""
    columns = {
        f'{title}, {kind}': [getattr(run[kind], name) for run in runs.values()]
        for kind in ('best on test', 'last epoch')
        for name, title in (('top1', 'top-1'), ('mean_class', 'mean class'))
    }
    header, values = ['seed', *columns], columns.values()
    rows = [
        [str(seed), *(f'{column[i]:.2f}' for column in values)]
        for i, seed in enumerate(runs)
    ]
    if len(runs) > 1:
        means = [
            f'{statistics.mean(v):.2f} ± {statistics.stdev(v):.2f}' for v in values
        ]
        rows.append(['mean ± std', *means])
    return markdown_table(header, rows)


def main() -> None:
    """Run the program."""
    args = parse_args()
    if len(set(args.seeds)) < len(args.seeds):
        fail(f'--seeds has a seed twice: {args.seeds}')
    out = args.work_dir or Path('work_dirs') / f'{Path(args.config).stem}-seeds'
    runs = {}
    for seed in args.seeds:
        work_dir = out / f'seed_{seed}'
        train_once(args.config, seed, work_dir, args.train_args)
        validations = read_validations(work_dir)
        if not validations:
            fail(f'{work_dir} has no validation by mmqcs.FERMetric')
        runs[seed] = {
            'best on test': best_on_test(validations),
            'last epoch': validations[-1],
        }
    (out / 'seeds.json').write_text(
        json.dumps({s: {k: v._asdict() for k, v in r.items()} for s, r in runs.items()})
    )
    text = table(runs)
    (out / 'seeds.md').write_text(text + '\n')
    print(text)
    print(f'\nwritten to {out / "seeds.md"} and {out / "seeds.json"}')


if __name__ == '__main__':
    main()
