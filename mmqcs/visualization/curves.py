"""Training curves from what MMEngine's local backend wrote."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, LINE_STYLES, MARKERS, new_figure

__all__ = ['Curve', 'Panel', 'curves_figure', 'moving_mean', 'read_panels']

Curve = list[tuple[int, float]]
"""(iteration, value) of each record."""


class Panel(NamedTuple):
    """Curves that share their axes.

    Attributes:
        title: Text above.
        unit: What is measured.
        curves: By name.
    """

    title: str
    unit: str
    curves: dict[str, Curve]


# beginning of a key → title and unit of its panel
_PANELS = {
    'loss': ('Loss', 'Loss'),
    'ce_base/': ('Base loss of each image of a group', 'Cross-entropy'),
    'ce_cross/': ('Cross loss of each image of a group', 'Cross-entropy'),
    'theta/': ('Balance θ of each level: D weighs 1 + tanh θ', 'θ'),
    'accuracy': ('Accuracy', 'Percent'),
}


def read_panels(paths: Sequence[Path]) -> list[Panel]:
    """Reads the curves of a training, of one run or of several that go on.

    Training records carry their iteration. Validation records count epochs or
    iterations, depending on the loop, so they are placed at the last training
    record before them. What a later run did again counts as that run did it.

    Args:
        paths: ``scalars.json`` of the runs in order, one JSON object a line.

    Returns:
        The panels that hold curves, losses first.

    Raises:
        ValueError: A line is not a JSON object.

    Examples:
        >>> from mmqcs.runs.log import scalar_files
        >>> panels = read_panels(scalar_files(Path('work_dirs/run')))
        >>> [panel.title for panel in panels]
        ['Loss', 'Accuracy']
    """
    found: dict[str, dict[str, dict[int, float]]]
    found = {start: defaultdict(dict) for start in _PANELS}
    for path in paths:
        iteration = None
        for record in _records(path):
            training = 'loss' in record
            if training:
                if iteration is None:
                    _forget_from(record['step'], found)
                iteration = record['step']
            if iteration is None:
                continue
            for key, value in record.items():
                start = next((s for s in _PANELS if key.startswith(s)), None)
                name = start and _curve_name(key, start, training)
                if name:
                    found[start][name][iteration] = value
    panels = []
    for start, curves in found.items():
        kept = {name: sorted(points.items()) for name, points in curves.items()}
        kept = {name: points for name, points in kept.items() if points}
        if kept:
            panels.append(Panel(*_PANELS[start], kept))
    return panels


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            raise ValueError(f'{path}, line {number}, is not a JSON object')
        yield record


def _forget_from(iteration: int, found: dict[str, dict[str, dict[int, float]]]) -> None:
    for curves in found.values():
        for points in curves.values():
            for done in [step for step in points if step >= iteration]:
                del points[done]


def _curve_name(key: str, start: str, training: bool) -> str | None:
    if start == 'accuracy':
        if key.endswith(('_low', '_high')):  # ends of intervals
            return None
        return f'{"train" if training else "val"} {key.removeprefix("accuracy/")}'
    if not training:
        return None
    return key.removeprefix(start) if start.endswith('/') else key


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of the last ``width`` values, of all so far at the start."""
    total = np.cumsum(np.insert(values.astype(float), 0, 0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def curves_figure(panels: Sequence[Panel], title: str = '', columns: int = 3) -> Figure:
    """Draws panels of curves.

    Args:
        panels: At least one.
        title: Text above all of them.
        columns: Panels in a row.

    Examples:
        >>> loss = Panel('Loss', 'Cross-entropy', {'loss': [(50, 1.9), (100, 1.5)]})
        >>> figure = curves_figure([loss], title='A run')
        >>> figure.axes[0].get_ylabel()
        'Cross-entropy'
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(5.2 * columns, 3.7 * rows + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.axis('off')
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    """Draws one panel.

    Dense training curves are drawn pale, with their moving mean on top;
    validation is drawn as measured, with a mark a value.
    """
    for i, (name, points) in enumerate(panel.curves.items()):
        colour, style = COLOURS[i % len(COLOURS)], LINE_STYLES[i % len(LINE_STYLES)]
        x, y = np.array(points).T
        if name.startswith('val '):
            mark = MARKERS[i % len(MARKERS)]
            axes.plot(x, y, ':', marker=mark, color=colour, markersize=4, label=name)
            continue
        width = max(1, len(y) // 50)
        label = name
        if width > 1:
            axes.plot(x, y, color=colour, alpha=0.25, linewidth=0.8)
            label = f'{name} (mean of {width} records)'
        smooth = moving_mean(y, width)
        axes.plot(x, smooth, style, color=colour, linewidth=1.6, label=label)
    axes.set_title(panel.title)
    axes.set_xlabel('Iteration')
    axes.set_ylabel(panel.unit)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
