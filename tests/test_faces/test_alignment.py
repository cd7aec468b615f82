"""Similarity transforms and aligned faces."""

import cv2
import numpy as np
import pytest

from mmqcs.faces import ARCFACE, align_face, fit_similarity
from mmqcs.faces.alignment import check_template

RNG = np.random.default_rng(0)


def transform(scale, degrees, shift):
    """A known similarity transform, (2, 3)."""
    turn = np.deg2rad(degrees)
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize('degrees', [0, 30, 179, -120])
@pytest.mark.parametrize('scale', [0.1, 7])
def test_a_known_transform_is_found(scale, degrees):
    matrix = transform(scale, degrees, (5, -3))
    points = RNG.normal(size=(5, 2))
    found = fit_similarity(points, moved(points, matrix))
    np.testing.assert_allclose(found, matrix, atol=1e-9)


def test_it_is_the_least_squares_fit():
    source, target = RNG.normal(size=(2, 5, 2))
    matrix = fit_similarity(source, target)
    # the same as a linear regression for the four free numbers
    ones, zeros = np.ones(5), np.zeros(5)
    x, y = source.T
    rows = np.block(
        [
            [np.stack([x, -y, ones, zeros], 1)],
            [np.stack([y, x, zeros, ones], 1)],
        ]
    )
    a, b, right, down = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(matrix, [[a, -b, right], [b, a, down]], atol=1e-12)


def test_points_that_coincide_are_refused():
    with pytest.raises(ValueError, match='coincide'):
        fit_similarity(np.ones((5, 2)), ARCFACE)
    with pytest.raises(ValueError, match='coincide'):
        align_face(np.zeros((9, 9, 3), np.uint8), np.full((5, 2), np.nan))


@pytest.mark.parametrize('size', [64, 112])
@pytest.mark.parametrize(('scale', 'degrees'), [(60, 0), (150, 20), (900, -35)])
def test_points_come_to_lie_on_the_template(size, scale, degrees):
    """Five discs of different grey are found where the template has them."""
    middle = np.array([700.0, 700.0])
    points = moved(ARCFACE - 0.5, transform(scale, degrees, middle))
    image = np.full((1400, 1400, 3), 20, np.uint8)
    greys = (90, 120, 150, 200, 250)
    for point, grey in zip(points, greys, strict=True):
        place = tuple(int(v * 16) for v in point)
        cv2.circle(image, place, int(scale * 16 / 20), (grey,) * 3, -1, shift=4)
    face = align_face(image, points, size)
    assert face.shape == (size, size, 3)
    for point, grey in zip(ARCFACE, greys, strict=True):
        mask = np.abs(face[..., 0].astype(int) - grey) < 8
        rows, columns = np.nonzero(mask)
        near = np.hypot(columns - point[0] * size, rows - point[1] * size) < size / 8
        found = np.array([columns[near].mean(), rows[near].mean()]) + 0.5
        np.testing.assert_allclose(found / size, point, atol=0.012)


def test_a_face_in_place_stays_as_it_is():
    image = RNG.integers(0, 256, (112, 112, 3), dtype=np.uint8)
    # a pixel's centre is at +0.5 where the template counts from the corner
    np.testing.assert_array_equal(align_face(image, ARCFACE * 112 - 0.5), image)


def test_a_large_face_is_averaged():
    """Stripes of one pixel become grey, and not stripes of another width."""
    image = np.zeros((1120, 1120), np.uint8)
    image[:, ::2] = 255
    face = align_face(image, ARCFACE * 1120 - 0.5)
    assert np.abs(face.astype(int) - 127.5).max() <= 1


def test_outside_of_the_picture_its_edge_goes_on():
    image = np.full((40, 40, 3), 77, np.uint8)
    assert (align_face(image, ARCFACE * 112 - 60) == 77).all()


@pytest.mark.parametrize(
    'points', ['eyes', [[0.5, 0.5]] * 4, ARCFACE * 112, [[np.nan, 0]] * 5, None]
)
def test_a_wrong_template_is_refused(points):
    with pytest.raises(ValueError, match='a face template is'):
        check_template(points)
