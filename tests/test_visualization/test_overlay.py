import cv2
import numpy as np
import pytest
from matplotlib import colormaps

from mmqcs.visualization import overlay_heat_map


def by_hand(image, heat, low, high, opacity):
    """Pixel by pixel, each cell of the heat map a square."""
    height, width = image.shape[:2]
    out = np.zeros((height, width, 3))
    for y in range(height):
        for x in range(width):
            value = heat[y * heat.shape[0] // height, x * heat.shape[1] // width]
            scaled = min(max((value - low) / (high - low), 0), 1)
            colour = 255 * np.array(colormaps['viridis'](float(scaled))[:3])
            r, g, b = image[y, x].astype(float)
            grey = round(0.299 * r + 0.587 * g + 0.114 * b)
            out[y, x] = opacity * colour + (1 - opacity) * grey
    return out


@pytest.mark.parametrize('opacity', [0.0, 0.6, 1.0])
def test_squares_by_hand(opacity):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    heat = rng.normal(size=(3, 4))
    out = overlay_heat_map(image, heat, -0.5, 1.5, opacity, smooth=False)
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    np.testing.assert_allclose(out, by_hand(image, heat, -0.5, 1.5, opacity), atol=1.01)


def test_smooth_maps_rise_between_their_cells():
    grey = np.full((1, 40, 3), 128, np.uint8)
    out = overlay_heat_map(grey, np.array([[0.0, 1.0]]), opacity=1.0)
    lightness = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[0].astype(int)
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] - lightness[0] > 150
    assert len(np.unique(lightness)) > 10


@pytest.mark.parametrize(
    ('image', 'heat', 'scale', 'message'),
    [
        (np.zeros((4, 4), np.uint8), np.eye(2), (0, 1), r'uint8 \(4, 4\) and \(2, 2\)'),
        (np.zeros((4, 4, 3)), np.eye(2), (0, 1), 'float64'),
        (np.zeros((4, 4, 3), np.uint8), np.ones(3), (0, 1), r'and \(3,\)'),
        (np.zeros((4, 4, 3), np.uint8), np.eye(2), (1, 1), 'low must be less'),
    ],
)
def test_bad_input(image, heat, scale, message):
    with pytest.raises(ValueError, match=message):
        overlay_heat_map(image, heat, *scale)
