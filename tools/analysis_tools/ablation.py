"""Run an ablation: train all methods of a plan with all seeds, and compare them.

    python tools/analysis_tools/ablation.py configs/ablation/synthfer.yml --jobs 2

Writes ablation.md, ablation.json and ablation.png to the work dir after every training,
so the tables of an unfinished ablation can be read. Interrupt the program at any time;
started again, it trains only what is missing. Seed by seed, all methods are trained.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from mmqcs.atomic import write_text
from mmqcs.cli.options import (
    ArgumentParser,
    at_least,
    fail,
    failing_on,
    load_config,
)
from mmqcs.cli.tables import markdown_table
from mmqcs.cli.training_runs import train_once
from mmqcs.runs.ablation import (
    Cell,
    Difference,
    Plan,
    Table,
    mean_and_deviation,
    paired_difference,
    read_plan,
)
from mmqcs.runs.log import read_validations
from mmqcs.visualization.differences import Interval, differences_figure
from mmqcs.visualization.style import save_figure

Results = dict[str, dict[int, dict[str, float]]]
"""Accuracies and cost of each seed of each cell."""


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('plan', type=Path, help='YAML file with methods and tables')
    parser.add_argument(
        '--work-dir', type=Path, help='default: work_dirs/ablation/PLAN_NAME'
    )
    parser.add_argument(
        '--jobs', type=at_least(1), default=1, help='trainings at once (default 1)'
    )
    parser.add_argument(
        '--seeds', type=int, nargs='+', help='instead of the seeds of the plan'
    )
    parser.add_argument(
        '--train-args', default='', help='for tools/train.py, such as "--amp"'
    )
    return parser.parse_args()


def prepare(plan: Plan, out: Path) -> None:
    """Run the commands of the plan that have not run."""
    for name, command in plan.prepare.items():
        mark = out / f'prepared/{name}'
        if not mark.exists():
            print(f'prepare {name}: {" ".join(command)}', flush=True)
            status = subprocess.run([sys.executable, *command]).returncode
            if status:
                fail(f'{name} ended with status {status}', status=1)
            mark.parent.mkdir(parents=True, exist_ok=True)
            write_text(mark, ' '.join(command))


def write_config(cell: Cell, out: Path) -> Path:
    """Write the config of a cell, unless it has trainings with another one."""
    path = out / f'runs/{cell.name}/{cell.name}.py'
    config = load_config(cell.config, cell.options)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, config.pretty_text)
    elif path.read_text() != config.pretty_text:
        fail(
            f'{path.parent} has trainings with other settings than {cell.config} and '
            f'the plan; remove them or set another --work-dir'
        )
    return path


def train(
    cell: Cell, seed: int, out: Path, args: argparse.Namespace
) -> dict[str, float]:
    """Train a cell with a seed, and return accuracies in percent and its cost."""
    config = out / f'runs/{cell.name}/{cell.name}.py'
    work_dir = config.parent / f'seed_{seed}'
    work_dir.mkdir(exist_ok=True)
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    log = work_dir / 'output.txt'
    cost = train_once(
        str(config), seed, work_dir, args.train_args.split(), log, threads
    )
    validations = read_validations(work_dir)
    if not validations:
        fail(f'{work_dir} has no validation by mmqcs.FERMetric', status=1)
    last = validations[-1]
    found = {'top1': last.top1, 'mean_class': last.mean_class, **cost}
    return {name: round(value, 2) for name, value in found.items()}


def differences(
    table: Table, results: Results, figure: str
) -> dict[str, dict[str, Difference]]:
    """Compare each row with the reference of its budget."""
    found: dict[str, dict[str, Difference]] = {}
    for row, cells in table.rows.items():
        for budget, cell in cells.items():
            reference = table.rows[table.reference].get(budget)
            if row == table.reference or reference is None:
                continue
            values, others = (
                {seed: r[figure] for seed, r in results.get(x.name, {}).items()}
                for x in (cell, reference)
            )
            difference = paired_difference(values, others)
            if difference:
                found.setdefault(row, {})[budget] = difference
    return found


def table_text(table: Table, results: Results) -> str:
    """Format one table, in Markdown."""
    # trained on this machine, or on another one
    on_gpu = any('gpu_seconds' in r for runs in results.values() for r in runs.values())
    unit = 'minutes' if on_gpu else 'CPU minutes'
    header = ['method', 'seeds']
    for budget in table.budgets:
        header += [f'{budget}: top-1', 'difference', unit]
    compared = differences(table, results, 'top1')
    rows = []
    for row, cells in table.rows.items():
        counts = {len(results.get(cell.name, {})) for cell in cells.values()}
        line = [row, '-'.join(str(n) for n in sorted(counts))]
        for budget in table.budgets:
            found = results.get(cells[budget].name) if budget in cells else None
            if not found:
                line += ['-'] * 3
                continue
            cost = 'gpu_seconds' if on_gpu else 'cpu_seconds'
            seconds = [r[cost] for r in found.values()]
            line += [
                mean_and_deviation([r['top1'] for r in found.values()]),
                difference_text(compared.get(row, {}).get(budget)),
                f'{sum(seconds) / len(seconds) / 60:.1f}',
            ]
        rows.append(line)
    return f'## {table.title}\n\n{markdown_table(header, rows)}\n'


def difference_text(difference: Difference | None) -> str:
    """Format a difference; bold if its interval leaves out zero."""
    if difference is None:
        return ''
    text = f'{difference.mean:+.2f}'
    if difference.interval:
        low, high = difference.interval
        text += f' ({low:+.2f} to {high:+.2f})'
    return f'**{text}**' if difference.significant else text


def write_tables(plan: Plan, results: Results, out: Path, done: str) -> None:
    """Write the tables in Markdown, and all results."""
    head = (
        f'{done} trainings. Top-1 accuracy of the last epoch in percent, mean ± '
        f'standard deviation over seeds; difference to the first row in points, paired '
        f'by seed, with its 95 % interval (bold if it leaves out zero).\n\n'
    )
    text = head + '\n'.join(table_text(table, results) for table in plan.tables)
    write_text(out / 'ablation.md', text)
    write_text(out / 'ablation.json', json.dumps(results, indent=1) + '\n')


def write_figure(plan: Plan, results: Results, out: Path) -> None:
    """Plot the differences to the references, if there are any."""
    panels: dict[str, Mapping[str, Mapping[str, Interval]]] = {}
    for table in plan.tables:
        compared = differences(table, results, 'top1')
        if compared:
            panels[table.title] = {
                row: {b: Interval(d.mean, d.interval) for b, d in cells.items()}
                for row, cells in compared.items()
            }
    if panels:
        label = 'Top-1 accuracy, points above the reference'
        save_figure(differences_figure(panels, label), out / 'ablation.png')


def train_all(
    jobs: list[tuple[Cell, int]],
    pool: ThreadPoolExecutor,
    plan: Plan,
    out: Path,
    args: argparse.Namespace,
    results: Results,
) -> None:
    """Train cells with seeds, and add them to the results as they finish."""
    futures = {pool.submit(train, *job, out, args): job for job in jobs}
    try:
        for number, future in enumerate(as_completed(futures), start=1):
            cell, seed = futures[future]
            results.setdefault(cell.name, {})[seed] = future.result()
            done = f'{number} of {len(jobs)}'
            write_tables(plan, results, out, done)
            top1 = results[cell.name][seed]['top1']
            print(f'{done}  {cell.name}, seed {seed}: {top1:.2f} %', flush=True)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def main() -> None:
    """Run the program."""
    args = parse_args()
    out = args.work_dir or Path('work_dirs/ablation') / args.plan.stem
    with failing_on(OSError, ValueError):
        plan = read_plan(args.plan, out)
    if args.seeds:
        plan = plan._replace(seeds=args.seeds)
    for cell in plan.cells():
        write_config(cell, out)
    prepare(plan, out)
    jobs = [(cell, seed) for seed in plan.seeds for cell in plan.cells()]
    results: Results = {}
    try:
        with ThreadPoolExecutor(args.jobs) as pool:
            train_all(jobs, pool, plan, out, args, results)
    finally:
        write_figure(plan, results, out)
    print(f'written to {out}/ablation.md, ablation.json and ablation.png')


if __name__ == '__main__':
    main()
