import numpy as np
import pytest

from mmqcs.functional.bootstrap import accuracies, bootstrap_intervals

MATRIX = np.array([[40, 10, 0], [5, 15, 0], [0, 2, 8]])


def test_accuracies_by_hand():
    top1, mean_class = accuracies(MATRIX)
    assert top1 == pytest.approx(100 * 63 / 80)
    assert mean_class == pytest.approx(100 * (0.8 + 0.75 + 0.8) / 3)
    empty = np.array([[3, 1], [0, 0]])
    assert accuracies(empty)[1] == pytest.approx(75)


def test_intervals_equal_those_of_resampled_images():
    labels, predicted = np.repeat(np.argwhere(MATRIX >= 0), MATRIX.ravel(), axis=0).T
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(3000):
        i = rng.integers(len(labels), size=len(labels))
        matrix = np.zeros((3, 3), int)
        np.add.at(matrix, (labels[i], predicted[i]), 1)
        drawn.append([float(a) for a in accuracies(matrix)])
    expected = np.percentile(drawn, [2.5, 97.5], axis=0).T
    actual = bootstrap_intervals(MATRIX, np.random.default_rng(1), samples=3000)
    np.testing.assert_allclose(actual, expected, atol=1.5)


def test_intervals_are_reproducible_and_narrow_with_more_images():
    one = bootstrap_intervals(MATRIX, np.random.default_rng(0))
    assert one == bootstrap_intervals(MATRIX, np.random.default_rng(0))
    many = bootstrap_intervals(MATRIX * 100, np.random.default_rng(0))
    for (low, high), (a, b), value in zip(one, many, accuracies(MATRIX), strict=True):
        assert low < a < value < b < high


def test_a_perfect_result_has_no_width():
    (a, b), (c, d) = bootstrap_intervals(np.diag([5, 5]), np.random.default_rng(0))
    assert (a, b, c, d) == (100, 100, 100, 100)


@pytest.mark.parametrize(
    ('matrix', 'options'),
    [(np.zeros((2, 2)), {}), (MATRIX, dict(samples=0)), (MATRIX, dict(level=1))],
)
def test_bad_arguments(matrix, options):
    with pytest.raises(ValueError, match='bootstrap needs'):
        bootstrap_intervals(matrix, np.random.default_rng(0), **options)
