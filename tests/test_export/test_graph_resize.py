"""Resizing in the graph, against OpenCV and Pillow."""

import numpy as np
import pytest
import torch

from mmqcs.deployment.geometry import Resize
from mmqcs.export.graph_resize import SUPPORTED, resize
from mmqcs.export.pipeline import rows_may_go_first

# twice and three times a target, larger, smaller, mixed, and next to nothing
SIZES = [(100, 100), (48, 48), (144, 144), (216, 72), (61, 37), (230, 157), (3, 2)]
TARGETS = [(72, 72), (40, 112)]


def both(size, target, backend, interpolation):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    step = Resize(
        height=target[0],
        width=target[1],
        backend=backend,
        interpolation=interpolation,
        rows_may_go_first=rows_may_go_first(),
    )
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in target)
    found = resize(batch, step, rows, columns)[0].permute(1, 2, 0).numpy()
    return found, step(image)


def averages_parts(size, target, method):
    """Whether OpenCV sums parts of pixels, in float32."""
    ratios = [a / b for a, b in zip(size, target, strict=True)]
    whole = all(ratio.is_integer() for ratio in ratios)
    return method == ('cv2', 'area') and min(ratios) >= 1 and not whole


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('method', sorted(SUPPORTED))
def test_is_bit_equal(method, size):
    for target in TARGETS:
        found, expected = both(size, target, *method)
        if not averages_parts(size, target, method):
            assert np.array_equal(found, expected), target
        difference = np.abs(found - expected)
        assert difference.max() <= 1
        assert difference.mean() < 0.01


@pytest.mark.parametrize('method', sorted(SUPPORTED))
def test_some_pixels_are_those_of_the_whole(method):
    whole, _ = both((61, 37), (72, 72), *method)
    image = np.random.default_rng(0).integers(0, 256, (61, 37, 3), np.uint8)
    step = Resize(
        height=72,
        width=72,
        backend=method[0],
        interpolation=method[1],
        rows_may_go_first=rows_may_go_first(),
    )
    batch = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    rows, columns = torch.arange(4.0, 60, 2).double(), torch.arange(71.0, 0, -3)
    found = resize(batch, step, rows, columns.double())[0].permute(1, 2, 0).numpy()
    assert np.array_equal(found, whole[4:60:2, 71:0:-3])
