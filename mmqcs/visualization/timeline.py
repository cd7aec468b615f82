"""Figure of expressions over time."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .style import CLASS_COLOURS, new_figure

_LEAST_LABEL = 0.07
"""Share of the width of the figure from which a stretch of time has a label."""


def timeline_figure(
    seconds: np.ndarray,
    width: float,
    names: Sequence[str],
    classes: Sequence[str],
    title: str = '',
) -> Figure:
    """Plot one band per face, in the colour of its main expression at each time.

    A band is paler where the face is only seen for a part of the time.

    Args:
        seconds: How long each face has each expression in each interval of time,
            (faces, intervals, classes).
        width: Length of an interval in seconds.
        names: Name of each face.
        classes: Class names.

    Examples:
        >>> seconds = np.zeros((1, 20, 2))
        >>> seconds[0, :5, 0] = seconds[0, 5:, 1] = 0.5
        >>> figure = timeline_figure(seconds, 0.5, ['1'], ['Sad', 'Happy'])
        >>> figure.axes[0].get_xlim()
        (0.0, 10.0)
    """
    if np.ndim(seconds) != 3 or not np.size(seconds):
        raise ValueError(
            f'a timeline needs (faces, intervals, classes) seconds, got shape '
            f'{np.shape(seconds)}'
        )
    faces, intervals, _ = seconds.shape
    main, seen = seconds.argmax(2), seconds.sum(2) / width
    colours = np.array([to_rgb(_colour(index)) for index in range(len(classes))])
    shown = np.where(seen > 0, np.clip(0.3 + 0.7 * seen, 0, 1), 0)
    bands = np.concatenate([colours[main], shown[..., None]], 2)
    figure = new_figure(10, 1.3 + 0.32 * faces)
    axes = figure.subplots()
    extent = (0, intervals * width, faces, 0)
    axes.imshow(bands, extent=extent, aspect='auto', interpolation='nearest')
    for row in range(1, faces):
        axes.axhline(row, color='white', linewidth=3)
    for row in range(faces):
        keys = np.where(seen[row] > 0, main[row], -1).tolist()
        start = 0
        for index, run in groupby(keys):
            length = len(list(run))
            if index >= 0 and length / intervals >= _LEAST_LABEL:
                dark = np.dot(colours[index], (0.299, 0.587, 0.114)) < 0.47
                axes.text(
                    (start + length / 2) * width,
                    row + 0.5,
                    classes[index],
                    ha='center',
                    va='center',
                    fontsize=8,
                    color='white' if dark else 'black',
                    clip_on=True,
                    parse_math=False,
                )
            start += length
    axes.set_yticks(np.arange(faces) + 0.5, list(names))
    axes.tick_params(axis='y', length=0)
    axes.set(xlabel='Time in seconds', ylabel='Face')
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
    present = [index for index in range(len(classes)) if seconds[..., index].any()]
    marks = [Patch(color=_colour(index), label=classes[index]) for index in present]
    axes.legend(
        handles=marks,
        loc='lower left',
        bbox_to_anchor=(0, 1),
        ncols=8,
        frameon=False,
        fontsize=8,
    )
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def _colour(index: int) -> str:
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]
