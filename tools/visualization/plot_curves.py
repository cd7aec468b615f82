"""Plot the curves of a training run: losses, balance of the levels, accuracies.

python tools/visualization/plot_curves.py work_dirs/qcs_ir50_raf
python tools/visualization/plot_curves.py RUN --out curves.svg
"""

from pathlib import Path

from mmqcs.cli.figures import picture_path, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail, failing_on
from mmqcs.runs.curves import read_panels
from mmqcs.runs.log import scalar_files
from mmqcs.visualization import curves_figure


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
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
    args = parser.parse_args()
    files = scalar_files(args.run)
    if not files:
        fail(
            f'no training run in {args.run}: looked for {args.run}/*/vis_data/'
            f'scalars.json'
        )
    with failing_on(ValueError):
        panels = read_panels(files)
    if not panels:
        fail(f'{files[-1]} holds no training record with a loss')
    folder = args.run if args.run.is_dir() else args.run.parent
    figure = curves_figure(panels, f'Training run {folder.resolve().name}')
    save_or_fail(figure, args.out or folder / 'curves.png')


if __name__ == '__main__':
    main()
