"""The warp of faces against a pixel-by-pixel reference and its settings."""

import math
import random

import numpy as np
import pytest

from mmqcs.datasets import WarpFace
from mmqcs.registry import TRANSFORMS


def test_each_part_moves_pixels_as_it_says():
    size = 48
    y, x = np.mgrid[:size, :size]
    ramp = np.stack((x * 5, y * 5), axis=-1).astype(np.uint8)  # the place of a pixel

    def places(**settings):
        random.seed(0)
        warped = WarpFace(**settings)({'img': ramp})['img'].astype(int)
        return warped[10:-10, 10:-10] / 5, (x[10:-10, 10:-10], y[10:-10, 10:-10])

    same, (left, top) = places()
    assert np.array_equal(same[..., 0], left)
    assert np.array_equal(same[..., 1], top)
    mirrored, _ = places(flip=1.0)
    assert np.array_equal(mirrored[..., 0], size - 1 - left)
    twice, _ = places(scale=(2.0, 2.0))
    centre = (size - 1) / 2
    assert abs(twice[..., 0] - (centre + (left - centre) / 2)).max() <= 0.2
    random.seed(0)
    random.uniform(0, 0)  # the angle
    random.random()  # the scale
    shift = [random.uniform(-0.1, 0.1) * size for _ in range(2)]
    shifted, _ = places(shift=0.1)
    assert abs(shifted[..., 0] - (left - shift[0])).max() <= 0.2
    assert abs(shifted[..., 1] - (top - shift[1])).max() <= 0.2


def test_rotation_is_about_the_centre():
    warp = WarpFace(rotate=30)
    random.seed(1)
    matrix = warp.matrix(40, 60)
    random.seed(1)
    angle = math.radians(random.uniform(-30, 30))
    centre = np.array([29.5, 19.5])
    assert np.allclose(matrix @ (*centre, 1), centre)
    turned = matrix[:, :2] @ (1, 0)
    assert np.allclose(turned, (math.cos(angle), -math.sin(angle)))


def test_draws_cover_their_ranges():
    random.seed(0)
    warp = WarpFace(rotate=10, scale=(0.8, 1.25), shift=0.1, flip=0.5)
    drawn = np.array([warp.matrix(48, 48) for _ in range(3000)])
    mirror = np.sign(np.linalg.det(drawn[:, :, :2]))
    assert abs(np.mean(mirror < 0) - 0.5) < 0.03
    factors = 1 / np.sqrt(abs(np.linalg.det(drawn[:, :, :2])))
    assert 0.8 <= factors.min() < 0.803
    assert 1.246 < factors.max() <= 1.25
    assert abs(np.median(factors) - 1) < 0.02  # as often larger as smaller
    angles = np.degrees(np.arcsin(drawn[:, 1, 0] * factors))
    assert -10 <= angles.min() < -9.9
    assert 9.9 < angles.max() <= 10


def test_the_border_is_repeated():
    random.seed(0)
    image = np.full((20, 30, 3), 200, np.uint8)
    warped = WarpFace(rotate=45, scale=(0.5, 0.5))({'img': image})['img']
    assert np.array_equal(warped, image)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(rotate=-1), 'rotate=-1'),
        (dict(shift=-0.1), 'shift=-0.1'),
        (dict(flip=2), 'flip=2'),
        (dict(scale=(1.2, 0.8)), r'scale .*\(1.2, 0.8\)'),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='mmqcs.WarpFace', **settings))
