import numpy as np
import pytest

from mmqcs.functional import ClassIndex

LABELS = np.array([2, 0, 2, 5, 0, 5, 2, 0, 0, 2])


@pytest.fixture
def index():
    return ClassIndex(LABELS, names=list('abcdef'))


def draw_many(draw, image, times=6000):
    rng = np.random.default_rng(0)
    images = draw(np.full(times, image), rng)
    values, counts = np.unique(images, return_counts=True)
    return dict(zip(values.tolist(), (counts / times).tolist(), strict=True))


@pytest.mark.parametrize('image', range(len(LABELS)))
def test_others_are_uniform_over_the_class(index, image):
    drawn = draw_many(index.others, image)
    expected = [i for i in np.flatnonzero(LABELS[image] == LABELS) if i != image]
    assert sorted(drawn) == expected
    assert max(abs(p - 1 / len(expected)) for p in drawn.values()) < 0.03


@pytest.mark.parametrize('image', range(len(LABELS)))
def test_natural_negatives_are_uniform_over_images(index, image):
    drawn = draw_many(index.natural_negatives, image)
    expected = np.flatnonzero(LABELS[image] != LABELS).tolist()
    assert sorted(drawn) == expected
    assert max(abs(p - 1 / len(expected)) for p in drawn.values()) < 0.03


@pytest.mark.parametrize('image', range(len(LABELS)))
def test_uniform_negatives_are_uniform_over_classes(index, image):
    drawn = draw_many(index.uniform_negatives, image)
    assert sorted(drawn) == np.flatnonzero(LABELS[image] != LABELS).tolist()
    for label in set(LABELS) - {LABELS[image]}:
        members = np.flatnonzero(label == LABELS)
        assert sum(drawn[i] for i in members) == pytest.approx(1 / 2, abs=0.03)


def test_weighted_negatives_follow_the_weights(index):
    weights = np.zeros((6, 6))
    weights[2, [0, 5]] = 1, 3
    weights[0, 5] = weights[5, 2] = 0.1
    drawn = draw_many(lambda x, rng: index.weighted_negatives(x, weights, rng), 0)
    assert sorted(drawn) == np.flatnonzero(LABELS != 2).tolist()
    for label, share in ((0, 0.25), (5, 0.75)):
        members = np.flatnonzero(label == LABELS)
        for i in members:
            assert drawn[i] == pytest.approx(share / len(members), abs=0.03)
    for image, label in ((1, 5), (3, 2)):
        drawn = draw_many(
            lambda x, rng: index.weighted_negatives(x, weights, rng), image, 100
        )
        assert set(LABELS[list(drawn)]) == {label}


def test_labels_and_members(index):
    rng = np.random.default_rng(0)
    assert (index.labels_of(np.arange(10)) == LABELS).all()
    assert (
        LABELS[index.members(np.array([0, 2, 5] * 50), rng)] == [0, 2, 5] * 50
    ).all()
    assert index.present.tolist() == [0, 2, 5]


def test_memory_is_at_most_sixteen_bytes_an_image():
    index = ClassIndex(np.arange(100_000) % 7)
    arrays = [v for v in vars(index).values() if isinstance(v, np.ndarray)]
    assert sum(a.nbytes for a in arrays) <= 16 * 100_000


def test_a_class_with_one_image_is_named():
    with pytest.raises(ValueError, match=r'class 1 \(sad\): it has a single image'):
        ClassIndex(np.array([0, 0, 1]), ['happy', 'sad']).check_pairs()


def test_one_class_is_named():
    with pytest.raises(ValueError, match=r'all 3 images are of class 4\b'):
        ClassIndex(np.array([4, 4, 4])).check_negatives()


@pytest.mark.parametrize(
    'labels',
    [[], [[0, 1]], [0.5, 1.0], [-1, 0]],
    ids=['empty', '2d', 'float', 'negative'],
)
def test_bad_labels(labels):
    with pytest.raises(ValueError, match='labels must be'):
        ClassIndex(np.array(labels))
