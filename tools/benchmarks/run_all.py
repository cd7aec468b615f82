"""Runs all benchmarks and writes their tables into docs/benchmarks.md.

    python tools/benchmarks/run_all.py
    python tools/benchmarks/run_all.py --only inference sampler

Takes about half an hour on two CPU cores. Each benchmark's table stands in the
document between two comments with its name and the kind of device, and only those of
this device are replaced.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from measure import environment
from mmengine.device import get_device

from mmqcs.cli.options import ArgumentParser, fail

HERE = Path(__file__).parent
BENCHMARKS = (
    'train_step',
    'inference',
    'inferencer',
    'data_pipeline',
    'sampler',
    'loss_curve',
)


def run(name: str) -> str:
    """Runs a benchmark in a process of its own.

    Returns:
        The table that it prints.
    """
    command = [sys.executable, str(HERE / f'{name}.py')]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return '\n'.join(x for x in done.stdout.splitlines() if x.startswith('|'))


def insert(text: str, name: str, content: str) -> str:
    """Puts content between the comments ``begin NAME`` and ``end NAME``.

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
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--only', nargs='+', choices=BENCHMARKS, default=BENCHMARKS)
    parser.add_argument(
        '--document', type=Path, default=HERE / '../../docs/benchmarks.md'
    )
    args = parser.parse_args()
    device = get_device()
    facts = environment()
    where = ', '.join(
        f'{name} {facts[name]}' for name in ('device', 'python', 'torch', 'opencv')
    )
    try:
        for name in args.only:
            print(f'{name} ...', flush=True)
            content = f'Measured with {where}:\n\n{run(name)}'
            text = args.document.read_text(encoding='utf-8')
            text = insert(text, f'{name} on {device}', content)
            args.document.write_text(text, encoding='utf-8')
    except (OSError, ValueError) as error:
        fail(f'{args.document}: {error}')
    except subprocess.CalledProcessError as error:
        fail(f'{error.cmd[1]} failed with exit status {error.returncode}')


if __name__ == '__main__':
    main()
