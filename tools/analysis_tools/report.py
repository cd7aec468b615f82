"""Write the report of a work dir, for example while a training is running.

    python tools/analysis_tools/report.py work_dirs/qcs_ir50_raf

Each run with mmqcs.ReportHook writes WORK_DIR/report.html itself when it ends.
"""

from pathlib import Path

from mmqcs.cli.options import ArgumentParser, failing_on
from mmqcs.runs.report import write_report


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='work dir of the runs')
    args = parser.parse_args()
    with failing_on(OSError, ValueError):
        print(f'written to {write_report(args.work_dir)}')


if __name__ == '__main__':
    main()
