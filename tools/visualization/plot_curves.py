"""Plot the curves of a training run: losses, balance of the levels, accuracies.

python tools/visualization/plot_curves.py work_dirs/qcs_ir50_raf
python tools/visualization/plot_curves.py RUN --out curves.svg
"""

import argparse
from pathlib import Path

from mmqcs.cli.figures import picture_path, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.runs.curves import read_panels
from mmqcs.runs.log import scalar_files
from mmqcs.visualization import curves_figure


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'run',
        type=Path,
        help='work dir (resumed runs are joined), the folder of one run, or a '
        'scalars.json',
    )
    parser.add_argument(
        '--out',
        type=picture_path,
        metavar='FILE',
        help='.png or .svg to write; default: curves.png in RUN',
    )
    return parser.parse_args()


def main() -> None:
    """Run the program."""
    args = parse_args()
    files = scalar_files(args.run)
    if not files:
        fail(
            f'no training run in {args.run}: looked for {args.run}/*/vis_data/'
            f'scalars.json'
        )
    try:
        panels = read_panels(files)
    except ValueError as error:
        fail(str(error))
    if not panels:
        fail(f'{files[-1]} holds no training record with a loss')
    folder = args.run if args.run.is_dir() else args.run.parent
    figure = curves_figure(panels, f'Training run {folder.resolve().name}')
    save_or_fail(figure, args.out or folder / 'curves.png')


if __name__ == '__main__':
    main()
