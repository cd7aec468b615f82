"""Heat maps over images."""

import cv2
import numpy as np
from matplotlib import colormaps

from .style import HEAT_MAP

__all__ = ['overlay_heat_map']


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
        image: RGB, uint8 (H, W, 3).
        heat: (h, w).
        low: Value of the darkest colour.
        high: Value of the brightest colour.
        opacity: Opacity of the heat map, from 0 to 1.
        smooth: Whether to interpolate the heat map instead of showing its cells as
            squares.

    Returns:
        RGB, uint8 (H, W, 3).

    Raises:
        ValueError: A shape or the type of the image is wrong, or the range is empty.

    Examples:
        >>> face = cv2.cvtColor(cv2.imread('face.png'), cv2.COLOR_BGR2RGB)
        >>> overlay_heat_map(face, heat=np.eye(8)).shape == face.shape
        True
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f'the image must be RGB, uint8 (H, W, 3), got {image.dtype} {image.shape}'
        )
    if np.ndim(heat) != 2:
        raise ValueError(f'the heat map must be (h, w), got {np.shape(heat)}')
    if not low < high:
        raise ValueError(f'low must be less than high, got {low} and {high}')
    height, width = image.shape[:2]
    method = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    large = cv2.resize(
        np.asarray(heat, np.float32), (width, height), None, 0, 0, method
    )
    scaled = np.clip((large - low) / (high - low), 0, 1)
    colour = 255 * colormaps[HEAT_MAP](scaled)[..., :3]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    return np.rint(opacity * colour + (1 - opacity) * grey).astype(np.uint8)
