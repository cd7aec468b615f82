"""The picture of a confusion matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ['draw_confusion_matrix']


def draw_confusion_matrix(
    matrix: np.ndarray, classes: Sequence[str], title: str
) -> np.ndarray:
    """Draw a confusion matrix, coloured by the percentage of its row.

    Each cell says which percentage of the row's class was predicted as the
    column's class, and the count. Lightness alone carries the value, so the
    picture reads the same with any colour vision and in grey.

    Args:
        matrix: Counts (C, C); row: true class, column: predicted class.
        classes: C class names.
        title: Text above the matrix.

    Returns:
        RGB image (H, W, 3), uint8.

    Raises:
        ValueError: If the matrix is not (C, C) for C class names.
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

    side = 2.5 + 0.85 * size
    figure = Figure(figsize=(side + 1.5, side), dpi=100, layout='constrained')
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    for row in range(size):
        for column in range(size):
            value = percent[row, column]
            axes.text(
                column,
                row,
                f'{value:.1f}%\n{matrix[row, column]}',
                ha='center',
                va='center',
                fontsize=9,
                color='white' if value > 55 else 'black',
            )
    ticks = np.arange(size)
    rows = [
        f'{name}\n({count})' for name, count in zip(classes, support[:, 0], strict=True)
    ]
    axes.set_xticks(ticks, classes, rotation=30, ha='right', rotation_mode='anchor')
    axes.set_yticks(ticks, rows)
    axes.set_xlabel('Predicted class')
    axes.set_ylabel('True class (number of images)')
    axes.set_title(title)
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label('Percent of the true class')
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
