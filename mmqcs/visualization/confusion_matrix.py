"""The picture of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import figure_to_rgb, new_figure

__all__ = ['confusion_figure', 'draw_confusion_matrix']

SPELT_OUT = 20
"""Most classes whose cells hold numbers; of more, colours alone can be read."""


def confusion_figure(
    matrix: np.ndarray, classes: Sequence[str], title: str = ''
) -> Figure:
    """Draws a confusion matrix, coloured by the percentage of its row.

    Each cell says which percentage of the row's class was predicted as the
    column's class, and the count. Lightness alone carries the value, so the
    picture reads the same with any colour vision and in grey.

    Args:
        matrix: Counts (C, C); row: true class, column: predicted class.
        classes: C class names.
        title: Text above the matrix.

    Raises:
        ValueError: The matrix is not (C, C) for C class names.

    Examples:
        >>> figure = confusion_figure(np.array([[8, 2], [1, 9]]), ('Sad', 'Happy'))
        >>> [text.get_text() for text in figure.axes[0].texts][:2]  # of those sad
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

    side = 2.5 + 0.85 * min(size, SPELT_OUT)
    figure = new_figure(side + 1.5, side)
    axes = figure.add_subplot()
    image = axes.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    if size <= SPELT_OUT:
        _write_cells(axes, matrix, percent)
    ticks = np.arange(size)
    separator = '\n' if size <= SPELT_OUT else ' '
    rows = [
        f'{name}{separator}({count})'
        for name, count in zip(classes, support[:, 0], strict=True)
    ]
    text = {'fontsize': 10 * min(1, SPELT_OUT / size), 'parse_math': False}
    slanted = {'rotation': 30, 'ha': 'right', 'rotation_mode': 'anchor'}
    axes.set_xticks(ticks, classes, **slanted, **text)
    axes.set_yticks(ticks, rows, **text)
    axes.set_xlabel('Predicted class')
    axes.set_ylabel('True class (number of images)')
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label('Percent of the true class')
    return figure


def _write_cells(axes: Axes, matrix: np.ndarray, percent: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(percent):
        axes.text(
            column,
            row,
            f'{value:.1f}%\n{matrix[row, column]}',
            ha='center',
            va='center',
            fontsize=9,
            color='white' if value > 55 else 'black',
        )


def draw_confusion_matrix(
    matrix: np.ndarray, classes: Sequence[str], title: str
) -> np.ndarray:
    """The figure of :func:`confusion_figure` as an RGB image (H, W, 3), uint8.

    Args:
        matrix: Counts (C, C).
        classes: C class names.
        title: Text above the matrix.

    Examples:
        >>> counts = np.array([[8, 2], [1, 9]])
        >>> image = draw_confusion_matrix(counts, ('Sad', 'Happy'), 'Test')
        >>> image.dtype, image.shape[2]
        (dtype('uint8'), 3)
    """
    return figure_to_rgb(confusion_figure(matrix, classes, title))
