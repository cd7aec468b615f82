"""Style, creation and encoding of all figures."""

import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
"""Palette of Okabe and Ito without yellow, distinguishable with any colour vision."""

_PALETTE = '#009e73 #e69f00 #56b4e9 #d55e00 #cc79a7 #f0e442 #0072b2 #c8c8c8'
CLASS_COLOURS = tuple(_PALETTE.split(' '))
"""Colours of the classes on images and in timelines, by Okabe and Ito."""

MARKERS = ('o', '^', 's', 'D', 'v', 'P', 'X', '*')
"""One marker per class, so that figures do not depend on colour alone."""

LINE_STYLES = ('-', '--', '-.', ':')
"""One style per line, for the same reason."""

HEAT_MAP = 'viridis'
"""Colour map of heat maps; its lightness increases with the value."""

FORMATS = ('.png', '.svg', '.jpg')


def new_figure(width: float, height: float) -> Figure:
    """Create a figure that is independent of pyplot; the size is in inches."""
    figure = Figure(figsize=(width, height), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """Render a figure as an RGB image, uint8 (H, W, 3).

    Examples:
        >>> from matplotlib.figure import Figure
        >>> figure_to_rgb(Figure((4, 3), dpi=100)).shape
        (300, 400, 3)
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def encode_figure(figure: Figure, kind: str) -> bytes:
    """Encode a figure in one of :data:`FORMATS`; equal figures give equal bytes."""
    if kind not in FORMATS:
        raise ValueError(f'figures are written as {", ".join(FORMATS)}; got {kind!r}')
    file = io.BytesIO()
    with matplotlib.rc_context({'svg.hashsalt': 'mmqcs'}):
        metadata = {'Date': None} if kind == '.svg' else None
        figure.savefig(file, format=kind[1:], metadata=metadata)
    return file.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a ``.png``, ``.svg`` or ``.jpg`` file, and create its folder.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> save_figure(Figure((4, 3)), Path('work_dirs/figures/empty.svg'))
        >>> Path('work_dirs/figures/empty.svg').read_text()[:5]
        '<?xml'
    """
    content = encode_figure(figure, path.suffix.lower())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
