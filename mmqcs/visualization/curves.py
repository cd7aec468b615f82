"""Figures of training curves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, LINE_STYLES, MARKERS, new_figure

Curve = list[tuple[int, float]]
"""(iteration, value) of each record."""


class Panel(NamedTuple):
    """Title and unit of curves that share their axes, and the curves by name.

    Names of validation curves start with ``'val '``.

    Examples:
        >>> Panel('Accuracy', 'Percent', {'val top1': [(100, 62.5)]}).unit
        'Percent'
    """

    title: str
    unit: str
    curves: dict[str, Curve]


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Return the mean of the last ``width`` values, or of fewer at the start."""
    sums = np.convolve(values, np.ones(width))[: len(values)]
    return sums / np.minimum(np.arange(1, len(values) + 1), width)


def curves_figure(panels: Sequence[Panel], title: str = '', columns: int = 3) -> Figure:
    """Plot at least one panel of curves, ``columns`` per row.

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
        _plot_panel(axes, panel)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def _plot_panel(axes: Axes, panel: Panel) -> None:
    """Plot dense training curves pale, with their moving mean on top."""
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
