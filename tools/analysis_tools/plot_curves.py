"""Draw losses and accuracies of a training run into one picture."""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmqcs.utils.cli import ArgumentParser, fail

# Okabe and Ito's palette: told apart with any colour vision
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')

Curves = dict[str, list[tuple[int, float]]]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        'run',
        help='work dir (its newest training run is drawn), the folder of one run, or '
        'a scalars.json',
    )
    parser.add_argument(
        '--out', metavar='PNG', help='picture to write; default: curves.png in RUN'
    )
    return parser.parse_args()


def find_scalars(run: Path) -> Path:
    """The scalars of the newest training run in a folder.

    Args:
        run: A work dir, the folder of one run, or the file itself.

    Returns:
        Path of the file, one JSON object a line.
    """
    if run.is_file():
        return run
    found = [*run.glob('vis_data/scalars.json'), *run.glob('*/vis_data/scalars.json')]
    if not found:
        fail(f'no training run in {run}: looked for {run}/*/vis_data/scalars.json')
    return max(found, key=lambda path: path.parent.parent.name)  # named by time


def read_curves(path: Path) -> tuple[Curves, Curves]:
    """Read the curves that MMEngine's local backend wrote.

    Training records carry their iteration. Validation records count epochs or
    iterations, depending on the loop, so they are placed at the last training
    record before them.

    Args:
        path: The file, one JSON object a line.

    Returns:
        Losses and accuracies: name to list of (iteration, value).
    """
    losses: Curves = defaultdict(list)
    accuracies: Curves = defaultdict(list)
    iteration = 0
    for line in path.read_text().splitlines():
        record = json.loads(line)
        is_training = any(key.startswith('loss') for key in record)
        if is_training:
            iteration = record['step']
        for key, value in record.items():
            if is_training and key.startswith('loss'):
                losses[key].append((iteration, value))
            elif key.startswith('accuracy'):
                phase = 'train' if is_training else 'val'
                accuracies[f'{phase} {key}'].append((iteration, value))
    return losses, accuracies


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of the last ``width`` values, of all so far at the start."""
    total = np.cumsum(np.insert(values.astype(float), 0, 0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def draw_curves(axes: Axes, curves: Curves) -> None:
    """Draw curves into one panel.

    Dense training curves are drawn pale, with their moving mean on top;
    validation is drawn as measured, dashed, with a mark a value.
    """
    for i, (name, points) in enumerate(sorted(curves.items())):
        colour = COLOURS[i % len(COLOURS)]
        x, y = np.array(points).T
        if name.startswith('val '):
            axes.plot(x, y, 'o--', color=colour, markersize=3, label=name)
            continue
        width = max(1, len(y) // 50)
        label = name
        if width > 1:
            axes.plot(x, y, color=colour, alpha=0.25, linewidth=0.8)
            label = f'{name} (mean of {width} records)'
        axes.plot(x, moving_mean(y, width), color=colour, linewidth=1.6, label=label)
    axes.set_xlabel('Iteration')
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def main() -> None:
    """Run the program."""
    args = parse_args()
    run = Path(args.run)
    scalars = find_scalars(run)
    losses, accuracies = read_curves(scalars)
    if not losses:
        fail(f'{scalars} holds no training record with a loss')

    figure = Figure(figsize=(12, 4.8), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    panels = [('Loss', 'Loss', losses)]
    if accuracies:
        panels.append(('Accuracy', 'Accuracy (%)', accuracies))
    for axes, (title, unit, curves) in zip(
        np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True
    ):
        draw_curves(axes, curves)
        axes.set_title(title)
        axes.set_ylabel(unit)
    names = (part for part in scalars.parts if re.fullmatch(r'\d{8}_\d{6}', part))
    figure.suptitle(f'Training run {next(names, scalars.parent)}')

    folder = run if run.is_dir() else run.parent
    out = Path(args.out) if args.out else folder / 'curves.png'
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    print(out)


if __name__ == '__main__':
    main()
