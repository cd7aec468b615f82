"""Write the report of a work dir, for example while a training is running.

    python tools/analysis_tools/report.py work_dirs/qcs_ir50_raf

Each run with mmqcs.ReportHook writes WORK_DIR/report.html itself when it ends.
"""

import argparse
from pathlib import Path

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.runs.report import write_report


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='work dir of the runs')
    return parser.parse_args()


def main() -> None:
    """Run the program."""
    args = parse_args()
    try:
        print(f'written to {write_report(args.work_dir)}')
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == '__main__':
    main()
