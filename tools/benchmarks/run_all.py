"""Run the benchmarks and write their tables into docs/benchmarks.md.

    python tools/benchmarks/run_all.py
    python tools/benchmarks/run_all.py --device cuda
    python tools/benchmarks/run_all.py --only inference sampler

Takes about half an hour on two CPU cores. On a GPU only the benchmarks that use it run
by default, which takes about six minutes. The tables of the other device stay as they
are. A benchmark that fails is reported at the end; the others still run.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from measure import environment

from mmqcs.cli.options import ArgumentParser, fail

HERE = Path(__file__).parent
# options of each benchmark by device
OPTIONS: dict[str, dict[str, list[str]]] = {
    'cpu': {
        'train_step': [],
        'inference': [],
        'inferencer': [],
        'data_pipeline': [],
        'sampler': [],
        'loss_curve': [],
    },
    'cuda': {
        'train_step': ['--groups', '24', '--repeats', '3', '--warmup', '3'],
        'inference': ['--batch', '64', '--repeats', '5'],
        'train_loop': ['--iterations', '120'],
    },
}
BENCHMARKS = list(OPTIONS['cpu'] | OPTIONS['cuda'])


def run(name: str, device: str, folder: Path, limit: int) -> dict[str, Any]:
    """Run a benchmark in its own process.

    Returns:
        Its exit status, seconds, record and what it printed.
    """
    record = folder / f'{name}.json'
    record.unlink(missing_ok=True)
    options = OPTIONS[device].get(name, [])
    command = [sys.executable, str(HERE / f'{name}.py'), '--out', str(record), *options]
    env = dict(os.environ) | ({'CUDA_VISIBLE_DEVICES': ''} if device == 'cpu' else {})
    start = time.perf_counter()
    status: int | str
    try:
        done = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, text=True, timeout=limit
        )
        status, printed = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, printed = f'stopped after {limit} s', ''
    return {
        'status': status,
        'seconds': round(time.perf_counter() - start, 1),
        'record': json.loads(record.read_text()) if record.exists() else None,
        'printed': printed,
    }


def content(result: dict[str, Any]) -> str:
    """Return what the document says about a benchmark that succeeded."""
    facts = result['record']['environment']
    names = 'device', 'python', 'torch', 'opencv'
    where = ', '.join(f'{name} {facts[name]}' for name in names)
    lines = result['printed'].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith('|'))
    rows = [line for line in lines[start:] if line.startswith('|')]
    notes = [line for line in lines[start:] if line and not line.startswith('|')]
    return '\n'.join(
        [f'Measured with {where}:', '', *rows, *(['', *notes] * bool(notes))]
    )


def insert(text: str, name: str, content: str) -> str:
    """Put content between the comments ``begin NAME`` and ``end NAME``.

    Raises:
        ValueError: The text has no such comments.
    """
    begin, end = f'<!-- begin {name} -->', f'<!-- end {name} -->'
    pattern = re.compile(f'{re.escape(begin)}.*?{re.escape(end)}', re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f'no place for the table: add the lines "{begin}" and "{end}"')
    return pattern.sub(lambda _: f'{begin}\n{content}\n{end}', text)


def main() -> None:
    """Run the benchmarks."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        '--device',
        choices=OPTIONS,
        default='cuda' if torch.cuda.is_available() else 'cpu',
    )
    parser.add_argument(
        '--only', nargs='+', choices=BENCHMARKS, help='by default all of the device'
    )
    parser.add_argument(
        '--document', type=Path, default=HERE / '../../docs/benchmarks.md'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/benchmarks'), help='for the records'
    )
    parser.add_argument(
        '--limit', type=int, default=3600, help='seconds after which one is stopped'
    )
    args = parser.parse_args()
    if args.device == 'cuda' and not torch.cuda.is_available():
        fail('--device cuda needs a GPU that PyTorch can use')
    args.out.mkdir(parents=True, exist_ok=True)
    results = {}
    try:
        for name in args.only or OPTIONS[args.device]:
            print(f'{name} ...', flush=True)
            result = results[name] = run(name, args.device, args.out, args.limit)
            print(f'{result["printed"]}({result["seconds"]} s)', flush=True)
            summary = {'environment': environment(), 'benchmarks': results}
            whole = args.out / f'{args.device}.json'
            whole.write_text(json.dumps(summary, indent=2) + '\n')
            if result['status'] == 0:
                text = args.document.read_text(encoding='utf-8')
                text = insert(text, f'{name} on {args.device}', content(result))
                args.document.write_text(text, encoding='utf-8')
    except (OSError, ValueError) as error:
        fail(f'{args.document}: {error}')
    failed = [f'{n}.py ({r["status"]})' for n, r in results.items() if r['status'] != 0]
    if failed:
        fail(f'failed, with exit status: {", ".join(failed)}', status=1)


if __name__ == '__main__':
    main()
