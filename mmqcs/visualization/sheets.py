"""Heat maps over images, and many images in one figure."""

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from .style import HEAT_MAP, new_figure


def overlay_heat_map(
    image: np.ndarray,
    heat: np.ndarray,
    low: float = 0.0,
    high: float = 1.0,
    opacity: float = 0.6,
    smooth: bool = True,
) -> np.ndarray:
    """Overlay a heat map on an image.

    The image is converted to grey, so that all colours belong to the heat map.

    Args:
        image: RGB, uint8 (H, W, 3), like the result.
        heat: (h, w).
        low: Value of the darkest colour.
        high: Value of the brightest colour.
        opacity: Opacity of the heat map, from 0 to 1.
        smooth: Whether to interpolate instead of showing cells as squares.

    Examples:
        >>> face = cv2.cvtColor(cv2.imread('face.png'), cv2.COLOR_BGR2RGB)
        >>> overlay_heat_map(face, heat=np.eye(8)).shape == face.shape
        True
    """
    if image.dtype != np.uint8 or image.ndim != 3 or np.ndim(heat) != 2:
        raise ValueError(
            f'expected an image, uint8 (H, W, 3), and a heat map (h, w), got '
            f'{image.dtype} {image.shape} and {np.shape(heat)}'
        )
    if not low < high:
        raise ValueError(f'low must be less than high, got {low} and {high}')
    method = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    size = image.shape[1::-1]
    large = cv2.resize(np.asarray(heat, np.float32), size, interpolation=method)
    scaled = np.clip((large - low) / (high - low), 0, 1)
    colour = 255 * colormaps[HEAT_MAP](scaled)[..., :3]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    return np.rint(opacity * colour + (1 - opacity) * grey).astype(np.uint8)


def contact_sheet(
    images: Sequence[np.ndarray | None],
    captions: Sequence[str],
    columns: int = 6,
    title: str = '',
    side: float = 1.8,
) -> Figure:
    """Plot images in rows, each below its caption.

    Args:
        images: RGB, uint8 (H, W, 3), of any size; None if one cannot be read.
        captions: Caption of each image, of one or more lines.
        columns: Images per row.
        side: Width of an image in inches.

    Examples:
        >>> face = cv2.cvtColor(cv2.imread('face.png'), cv2.COLOR_BGR2RGB)
        >>> sheet = contact_sheet([face, None], ['face.png', 'gone.png'])
        >>> [axes.get_title() for axes in sheet.axes]
        ['face.png', 'gone.png']
    """
    if not images or len(images) != len(captions):
        raise ValueError(
            f'a contact sheet needs images with one caption each, got {len(images)} '
            f'images and {len(captions)} captions'
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    lines = max(caption.count('\n') + 1 for caption in captions)
    height = rows * (side + 0.19 * lines) + 0.3 * (title.count('\n') + bool(title))
    figure = new_figure(side * columns, height)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis('off')
    for axes, image, caption in zip(grid.flat, images, captions, strict=False):
        if image is None:
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect='equal')
            axes.text(0.5, 0.5, 'cannot be read', ha='center', va='center', fontsize=8)
        else:
            axes.imshow(image)
        axes.set_title(caption, fontsize=9, parse_math=False)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def heat_map_sheet(
    images: Sequence[np.ndarray],
    captions: Sequence[str],
    columns: int,
    title: str,
    scale: tuple[float, float, str],
    side: float = 1.8,
) -> Figure:
    """Plot a :func:`contact_sheet` of heat maps with a colour bar.

    ``scale`` is ``low`` and ``high`` of :func:`overlay_heat_map`, and the quantity.

    Examples:
        >>> face = cv2.cvtColor(cv2.imread('face.png'), cv2.COLOR_BGR2RGB)
        >>> map_ = overlay_heat_map(face, heat=np.eye(8))
        >>> scale = (0, 1, 'evidence for the class')
        >>> sheet = heat_map_sheet([face, map_], ['face', 'map'], 2, 'A face', scale)
        >>> sheet.axes[-1].get_ylabel()  # the colour bar
        'evidence for the class'
    """
    figure = contact_sheet(images, captions, columns, title, side)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width + 0.9, height)
    low, high, label = scale
    colours = ScalarMappable(Normalize(low, high), HEAT_MAP)
    bar = figure.colorbar(colours, ax=figure.axes, shrink=min(1, 4 / height), aspect=25)
    # about 11 letters fit in an inch
    bar.set_label(textwrap.fill(label, round(11 * height)), fontsize=9)
    return figure
