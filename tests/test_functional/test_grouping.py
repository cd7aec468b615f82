import numpy as np
import pytest

from mmqcs.functional import PAIR, QUADRUPLET
from mmqcs.functional.grouping import draw_groups

RINGS = pytest.mark.parametrize('ring', [PAIR, QUADRUPLET])
BATCHES = [
    (labels, objects)
    for seed in range(30)
    for rng in [np.random.default_rng(seed)]
    for faces in [rng.integers(1, 9)]
    for faces_labels in [rng.integers(0, 4, faces)]
    for objects in [rng.integers(0, faces, rng.integers(1, 25))]
    for labels in [faces_labels[objects]]
]


def draw(labels, ring, seed=0, **kwargs):
    return draw_groups(np.asarray(labels), ring, np.random.default_rng(seed), **kwargs)


def can_be_anchor(item, labels, objects, ring):
    """By search over all groups."""
    items = range(len(labels))

    def partners(i):
        return [j for j in items if labels[i] == labels[j] and objects[i] != objects[j]]

    others = [j for j in items if labels[j] != labels[item] and partners(j)]
    return bool(partners(item)) and (not ring.dissimilar or bool(others))


@RINGS
@pytest.mark.parametrize(('labels', 'objects'), BATCHES)
def test_every_group_satisfies_the_ring(ring, labels, objects):
    groups = draw(labels, ring, objects=objects)
    assert groups.shape[0] == ring.size
    assert ring.violation(labels[groups].tolist() or [[]]) is None
    for i, j in ring.similar:
        assert (objects[groups[i]] != objects[groups[j]]).all()


@RINGS
@pytest.mark.parametrize(('labels', 'objects'), BATCHES)
def test_anchors_are_all_that_have_partners_each_once(ring, labels, objects):
    expected = [
        i for i in range(len(labels)) if can_be_anchor(i, labels, objects, ring)
    ]
    groups = draw(labels, ring, objects=objects)
    assert groups[0].tolist() == expected
    assert np.isin(groups, np.arange(len(labels))).all()


def test_the_lonely_are_in_no_group():
    # 3 is alone in its class; 4 and 5 are two views of one face
    groups = draw([0, 0, 1, 3, 2, 2, 1], QUADRUPLET, objects=[0, 1, 2, 3, 4, 4, 5])
    assert set(groups.ravel()) == {0, 1, 2, 6}


@RINGS
@pytest.mark.parametrize('labels', [[], [1], [0, 1, 2]])
def test_no_groups(ring, labels):
    assert draw(np.array(labels, dtype=int), ring).shape == (ring.size, 0)


def test_one_class_serves_pairs_alone():
    assert draw([4, 4, 4], PAIR).shape == (2, 3)
    assert draw([4, 4, 4], QUADRUPLET).shape == (4, 0)


def test_draws_are_uniform():
    labels = [0, 0, 0, 1, 1, 2, 2, 3]
    drawn = np.stack([draw(labels, QUADRUPLET, seed)[:, 0] for seed in range(4000)])
    for row, expected in ((1, [1, 2]), (2, [3, 4, 5, 6])):
        values, counts = np.unique(drawn[:, row], return_counts=True)
        assert values.tolist() == expected
        assert np.abs(counts / 4000 - 1 / len(expected)).max() < 0.03


def test_the_generator_is_the_only_source():
    labels = np.repeat([0, 1, 2], 5)
    assert np.array_equal(draw(labels, QUADRUPLET, 7), draw(labels, QUADRUPLET, 7))
    assert not np.array_equal(draw(labels, QUADRUPLET, 7), draw(labels, QUADRUPLET, 8))


def test_max_groups():
    labels = np.repeat([0, 1], 6)
    kept = [draw(labels, QUADRUPLET, seed, max_groups=3) for seed in range(40)]
    assert all(groups.shape == (4, 3) for groups in kept)
    assert set(np.concatenate([groups[0] for groups in kept])) == set(range(12))
    assert draw(labels, QUADRUPLET, max_groups=0).shape == (4, 0)
