"""Figure of a confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import new_figure

MAX_WITH_NUMBERS = 20
"""Largest number of classes whose cells show numbers; beyond it, only colours."""


def confusion_figure(
    matrix: np.ndarray, classes: Sequence[str], title: str = ''
) -> Figure:
    """Plot a confusion matrix, coloured by percentage of the true class.

    Each cell shows the percentage of the true class (row) that was predicted as the
    class of the column, and the count. Values differ by lightness, so the figure is
    readable with any colour vision and in grey.

    Args:
        matrix: Counts (C, C); rows are true classes, columns are predicted classes.
        classes: Names of the C classes.

    Examples:
        >>> figure = confusion_figure(np.array([[8, 2], [1, 9]]), ('Sad', 'Happy'))
        >>> [text.get_text() for text in figure.axes[0].texts][:2]  # the row of 'Sad'
        ['80.0%\\n8', '20.0%\\n2']
    """
    matrix = np.asarray(matrix)
    size = len(classes)
    if matrix.shape != (size, size):
        raise ValueError(
            f'matrix has shape {matrix.shape}, expected ({size}, {size}) for the '
            f'{size} classes {tuple(classes)}'
        )
    support = matrix.sum(axis=1, keepdims=True)
    percent = 100 * matrix / np.maximum(support, 1)

    side = 2.5 + 0.85 * min(size, MAX_WITH_NUMBERS)
    figure = new_figure(side + 1.5, side)
    axes = figure.add_subplot()
    image = axes.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    separator = ' '
    if size <= MAX_WITH_NUMBERS:
        separator = '\n'
        for (row, column), value in np.ndenumerate(percent):
            text = f'{value:.1f}%\n{matrix[row, column]}'
            colour = 'white' if value > 55 else 'black'
            centred: dict[str, Any] = dict(ha='center', va='center', fontsize=9)
            axes.text(column, row, text, color=colour, **centred)
    ticks = np.arange(size)
    counts = zip(classes, support[:, 0], strict=True)
    rows = [f'{name}{separator}({count})' for name, count in counts]
    style: dict[str, Any] = {'parse_math': False}
    style['fontsize'] = 10 * min(1, MAX_WITH_NUMBERS / size)
    slanted = {**style, 'rotation': 30, 'ha': 'right', 'rotation_mode': 'anchor'}
    axes.set_xticks(ticks, classes, **slanted)
    axes.set_yticks(ticks, rows, **style)
    axes.set_xlabel('Predicted class')
    axes.set_ylabel('True class (number of images)')
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label('Percent of the true class')
    return figure
