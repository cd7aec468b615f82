"""Negatives drawn by the confusion of the model."""

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler

from mmqcs.datasets import QuadrupletBatchSampler
from mmqcs.functional import QUADRUPLET, negative_weights


class Labelled:
    """Labels of four classes, of which class 2 has no images."""

    labels = np.array([0] * 40 + [1] * 8 + [3] * 20 + [4] * 12)

    def __len__(self):
        return len(self.labels)

    def get_gt_labels(self):
        return self.labels


LABELS = Labelled.labels
CONFUSION = np.array(
    [
        [0.70, 0.20, 0.05, 0.05, 0.00],
        [0.10, 0.60, 0.10, 0.10, 0.10],
        [0.00, 0.00, 0.00, 0.00, 0.00],
        [0.00, 0.30, 0.00, 0.40, 0.30],
        [0.05, 0.05, 0.10, 0.70, 0.10],
    ]
)


def sampler(negative='confusion', **kwargs):
    anchors = DefaultSampler(Labelled(), shuffle=True, seed=0)
    batches = QuadrupletBatchSampler(anchors, 16, negative=negative, **kwargs)
    batches.hook_installed = True
    return batches


def groups(batches, epochs=1):
    """Images of all groups, (4, number)."""
    found = []
    for epoch in range(epochs):
        batches.sampler.set_epoch(epoch)
        found += [np.reshape(batch, (4, -1)) for batch in batches]
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize('temperature', [0.5, 1.0, 2.0])
def test_classes_are_drawn_in_proportion(temperature):
    batches = sampler(temperature=temperature)
    batches.confusion = CONFUSION
    anchor, _, negative, _ = LABELS[groups(batches, epochs=200)]
    counts = np.bincount(LABELS, minlength=5)
    expected = negative_weights(CONFUSION, counts, temperature)
    for label in (0, 1, 3, 4):
        drawn = negative[anchor == label]
        shares = np.bincount(drawn, minlength=5) / len(drawn)
        # five standard deviations
        bounds = 5 * np.sqrt(expected[label] * (1 - expected[label]) / len(drawn))
        assert (np.abs(shares - expected[label]) <= bounds).all(), label
        assert shares[label] == shares[2] == 0


def test_groups_obey_the_ring_and_images_within_a_class_are_uniform():
    batches = sampler()
    batches.confusion = CONFUSION
    images = groups(batches, epochs=200)
    assert QUADRUPLET.violation(LABELS[images]) is None
    assert (images[0] != images[1]).all()
    assert (images[2] != images[3]).all()
    for branch in (2, 3):
        drawn = images[branch, LABELS[images[branch]] == 1]
        counts = np.bincount(drawn - 40, minlength=8)
        mean = len(drawn) / 8
        assert (np.abs(counts - mean) < 5 * np.sqrt(mean)).all()


def test_the_first_epoch_is_the_natural_one():
    assert np.array_equal(groups(sampler()), groups(sampler('natural')))


def test_epochs_add_up_to_the_mean():
    batches = sampler(momentum=0.25)
    batches.update_confusion(CONFUSION * 8)
    np.testing.assert_allclose(batches.confusion, CONFUSION)
    second = np.full((5, 5), 3.0)
    batches.update_confusion(second)
    expected = 0.75 * CONFUSION + 0.25 / 5
    expected[2] = 1 / 5  # unknown until then
    np.testing.assert_allclose(batches.confusion, expected)


def test_without_the_hook_the_second_epoch_says_so():
    batches = sampler()
    batches.hook_installed = False
    assert groups(batches).shape == (4, 80)
    with pytest.raises(RuntimeError, match=r'default_hooks\.confusion'):
        groups(batches, epochs=2)


@pytest.mark.parametrize(
    'option', [dict(temperature=0), dict(momentum=0), dict(momentum=1.5)]
)
def test_bad_options(option):
    with pytest.raises(ValueError, match=f'{next(iter(option))} .*got'):
        sampler(**option)


def test_endless_anchors_have_no_epochs():
    with pytest.raises(ValueError, match='InfiniteSampler'):
        QuadrupletBatchSampler(
            InfiniteSampler(Labelled(), seed=0), 4, negative='confusion'
        )
