"""Figure of differences to a reference with their intervals."""

import textwrap
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, MARKERS, new_figure


class Interval(NamedTuple):
    """A difference and its interval, which is None if it is unknown."""

    mean: float
    interval: tuple[float, float] | None


def differences_figure(
    panels: Mapping[str, Mapping[str, Mapping[str, Interval]]], label: str
) -> Figure:
    """Plot one panel per table, one line per method and one mark per budget.

    Args:
        panels: Differences by table, method and budget. There is at least one panel.
        label: Label of the horizontal axis, with its unit.

    Examples:
        >>> row = {'equal images': Interval(0.4, (-0.3, 1.1))}
        >>> figure = differences_figure({'Easy faces': {'QCS': row}}, 'Points')
        >>> figure.axes[0].get_title()
        'Easy faces'
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    lines = max(len(panel) for panel in panels.values())
    figure = new_figure(5.2 * columns, rows * (1.1 + 0.34 * lines))
    axes = figure.subplots(rows, columns, squeeze=False, sharex='col').ravel()
    budgets = list(
        dict.fromkeys(b for p in panels.values() for r in p.values() for b in r)
    )
    for ax, (title, panel) in zip(axes, panels.items(), strict=False):
        for number, budget in enumerate(budgets):
            shift = 0.22 * (number - (len(budgets) - 1) / 2)
            found = [
                (i, r[budget]) for i, r in enumerate(panel.values()) if budget in r
            ]
            for place, (mean, interval) in found:
                low, high = interval or (mean, mean)
                ax.errorbar(
                    mean,
                    place + shift,
                    xerr=np.array([[mean - low], [high - mean]]),
                    fmt=MARKERS[number % len(MARKERS)],
                    color=COLOURS[number % len(COLOURS)],
                    markersize=5,
                    capsize=2,
                    label=budget,
                )
        ax.axvline(0, color='0.5', linewidth=1)
        names = [textwrap.fill(name, 28) for name in panel]
        ax.set_yticks(range(len(panel)), names, parse_math=False)
        ax.set_ylim(len(panel) - 0.5, -0.5)
        ax.set_title(textwrap.fill(title, 46), fontsize=9, parse_math=False)
        ax.grid(axis='x', alpha=0.3)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    # the lowest panel of each column has the numbers
    for ax in axes[len(panels) - columns : len(panels)]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel(label, fontsize=10)
    if len(budgets) > 1:
        shown = [ax.get_legend_handles_labels() for ax in axes]
        marks = {name: mark for pair in shown for mark, name in zip(*pair, strict=True)}
        figure.legend(
            marks.values(), marks.keys(), loc='outside upper center', ncols=len(marks)
        )
    return figure
