"""What all figures share: colours, figures without pyplot, files."""

import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = [
    'COLOURS',
    'FORMATS',
    'HEAT_MAP',
    'LINE_STYLES',
    'MARKERS',
    'encode_figure',
    'figure_to_rgb',
    'new_figure',
    'save_figure',
]

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
"""Okabe and Ito's palette without its yellow: told apart with any colour vision."""

MARKERS = ('o', '^', 's', 'D', 'v', 'P', 'X', '*')
"""One a class, so that nothing rests on colours alone."""

LINE_STYLES = ('-', '--', '-.', ':')
"""Likewise for lines."""

HEAT_MAP = 'viridis'
"""Rises in lightness and looks the same with any colour vision."""

FORMATS = ('.png', '.svg')


def new_figure(width: float, height: float, dpi: int = 100) -> Figure:
    """A figure that leaves pyplot and its windows alone.

    Args:
        width: Inches.
        height: Inches.
        dpi: Pixels an inch where it becomes pixels.

    Examples:
        >>> new_figure(4, 3).get_size_inches().tolist()
        [4.0, 3.0]
    """
    figure = Figure(figsize=(width, height), dpi=dpi, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """Draws a figure as an RGB image (H, W, 3), uint8.

    Examples:
        >>> figure_to_rgb(new_figure(4, 3, dpi=100)).shape
        (300, 400, 3)
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def encode_figure(figure: Figure, kind: str) -> bytes:
    """Encodes a figure, the same figure always as the same bytes.

    Args:
        figure: The figure.
        kind: ``'.png'`` or ``'.svg'``.

    Raises:
        ValueError: Another kind.
    """
    if kind not in FORMATS:
        raise ValueError(f'pictures are written as {" or ".join(FORMATS)}, not {kind}')
    file = io.BytesIO()
    with matplotlib.rc_context({'svg.hashsalt': 'mmqcs'}):
        metadata = {'Date': None} if kind == '.svg' else {}
        figure.savefig(file, format=kind[1:], metadata=metadata)
    return file.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure, as the ending of the name says, and makes its folder.

    Args:
        figure: The figure.
        path: File that ends with ``.png`` or ``.svg``.

    Raises:
        ValueError: Another ending.

    Examples:
        >>> save_figure(new_figure(4, 3), Path('work_dirs/pictures/empty.svg'))
        >>> Path('work_dirs/pictures/empty.svg').read_text()[:5]
        '<?xml'
    """
    content = encode_figure(figure, path.suffix.lower())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
