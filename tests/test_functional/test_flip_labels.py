import numpy as np
import pytest

from mmqcs.functional import flip_labels

K = 4
LABELS = np.random.default_rng(0).choice(K, size=4000, p=[0.5, 0.3, 0.15, 0.05])
UNIFORM = 1.0 - np.eye(K)


def flip(transitions=UNIFORM, rate=0.3, seed=0):
    return flip_labels(LABELS, transitions, rate, np.random.default_rng(seed))


@pytest.mark.parametrize('rate', [0, 0.1, 0.25, 1])
def test_each_class_loses_exactly_its_share(rate):
    before = LABELS.copy()
    flipped = flip(rate=rate)
    assert (before == LABELS).all()
    for label in range(K):
        images = label == LABELS
        wrong = (flipped[images] != label).sum()
        assert wrong == np.floor(rate * images.sum() + 0.5)


def test_the_same_generator_flips_the_same():
    assert (flip() == flip()).all()
    assert (flip() != flip(seed=1)).any()


def test_new_labels_follow_the_row():
    transitions = np.array([[0, 1, 3, 0], [0, 0, 0, 0], [1, 0, 0, 0], [5, 5, 5, 0]])
    flipped = flip(transitions, rate=0.9)
    for label, row in enumerate(transitions):
        new = flipped[(label == LABELS) & (flipped != LABELS)]
        if not row.any():
            assert not len(new)
            continue
        shares = np.bincount(new, minlength=K) / len(new)
        expected = row / row.sum()
        bounds = 5 * np.sqrt(expected * (1 - expected) / len(new))
        assert (np.abs(shares - expected) <= bounds).all()


def test_images_of_a_class_are_equally_likely():
    times = sum(flip(seed=seed) != LABELS for seed in range(200))
    for label in range(K):
        counts = times[label == LABELS]
        expected = 200 * 0.3
        assert counts.mean() == pytest.approx(expected, rel=0.02)
        assert np.abs(counts - expected).max() < 6 * np.sqrt(expected * 0.7)
