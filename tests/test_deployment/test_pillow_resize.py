"""Pillow's resizing in numpy, against Pillow."""

import numpy as np
import pytest
from PIL import Image

from mmqcs.deployment.pillow_resize import go_rows_first, pillow_resize

FILTERS = {
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
}
SOURCES = [(100, 100), (48, 48), (37, 61), (130, 90), (90, 130), (1, 1), (2, 5)]
TARGETS = [(64, 64), (112, 72), (1, 3)]


def one_axis_after_the_other(image, size, method, rows_first):
    """By Pillow itself, whose order then does not matter."""
    height, width = size
    between = (image.width, height) if rows_first else (width, image.height)
    return np.asarray(image.resize(between, method).resize((width, height), method))


@pytest.mark.parametrize('name', FILTERS)
@pytest.mark.parametrize('source', SOURCES)
def test_is_bit_equal_in_either_order(source, name):
    image = np.random.default_rng(0).integers(0, 256, (*source, 3), np.uint8)
    picture = Image.fromarray(image)
    for size in TARGETS:
        for may in (True, False):
            rows_first = may and go_rows_first(source, *size)
            expected = one_axis_after_the_other(
                picture, size, FILTERS[name], rows_first
            )
            found = pillow_resize(image, *size, name, may)
            assert np.array_equal(found, expected), (size, may)


def test_the_order_matters_and_is_that_of_this_pillow():
    from mmqcs.export.pipeline import rows_may_go_first

    image = np.random.default_rng(1).integers(0, 256, (130, 90, 3), np.uint8)
    found = {
        may: pillow_resize(image, 64, 64, 'bilinear', may) for may in (True, False)
    }
    assert not np.array_equal(found[True], found[False])
    by_pillow = Image.fromarray(image).resize((64, 64), FILTERS['bilinear'])
    assert np.array_equal(found[rows_may_go_first()], by_pillow)


def test_the_same_size_is_the_same_image():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    assert np.array_equal(pillow_resize(image, 9, 7), image)
