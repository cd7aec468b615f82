"""Labels and images as pure functions of settings, split and number."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from mmqcs.synth import CLASSES, SynthFERSettings, label_of, labels, render
from mmqcs.synth.geometry import Projector
from mmqcs.synth.identity import sample_identity
from mmqcs.synth.nuisance import sample_nuisance
from mmqcs.synth.rng import generator, triangle

EASY = SynthFERSettings(difficulty=0.0)
DEFAULT = SynthFERSettings()
RAF_DB = np.array([1290, 281, 717, 4772, 1982, 705, 2524])


def digest(split: str, numbers: list[int]) -> dict[int, str]:
    return {i: hashlib.sha256(render(DEFAULT, split, i)).hexdigest() for i in numbers}


def test_image_is_bgr_of_the_size_asked_for():
    for size in (32, 100, 131):
        picture = render(SynthFERSettings(image_size=size), 'train', 0)
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.uint8
    # skin is redder than blue
    middle = render(EASY, 'train', 1)[50:60, 45:55].reshape(-1, 3).mean(axis=0)
    assert middle[2] > middle[1] > middle[0]


def test_order_and_process_do_not_matter():
    there = digest('train', [0, 1, 2, 3, 40])
    back = digest('train', [40, 3, 2, 1, 0])
    assert there == back
    code = (
        'import hashlib; from mmqcs.synth import SynthFERSettings, render;'
        'print(*(hashlib.sha256(render(SynthFERSettings(), "train", i)).hexdigest()'
        ' for i in (40, 2)))'
    )
    out = subprocess.run(
        [sys.executable, '-c', code], check=True, capture_output=True, text=True
    )
    assert out.stdout.split() == [there[40], there[2]]


def test_split_seed_and_number_give_other_images():
    pictures = [
        render(DEFAULT, 'train', 0),
        render(DEFAULT, 'train', 1),
        render(DEFAULT, 'test', 0),
        render(SynthFERSettings(seed=1), 'train', 0),
        render(SynthFERSettings(difficulty=0.6), 'train', 0),
    ]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_global_random_state_is_left_alone():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = render(DEFAULT, 'train', 7)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(6)  # noqa: NPY002
    np.testing.assert_array_equal(render(DEFAULT, 'train', 7), first)


@pytest.mark.parametrize('num_classes', [7, 8])
def test_balanced_labels_are_balanced_in_every_prefix(num_classes):
    settings = SynthFERSettings(num_classes=num_classes)
    found = labels(settings, 'train', 500)
    assert found.dtype == np.int64
    for end in (num_classes, 33, 100, 500):
        counts = np.bincount(found[:end], minlength=num_classes)
        assert counts.max() - counts.min() <= 1
    # the order within the blocks varies
    blocks = found[: 60 * num_classes].reshape(-1, num_classes)
    assert len({tuple(block) for block in blocks}) > 50
    assert (labels(settings, 'test', 500) != found).any()


def test_imbalanced_labels_follow_raf_db():
    settings = SynthFERSettings(imbalanced=True)
    total = RAF_DB.sum()
    for count in (300, 12271):
        shares = np.bincount(labels(settings, 'train', count), minlength=7) / count
        np.testing.assert_allclose(shares, RAF_DB / total, atol=3 / np.sqrt(count) / 4)


@pytest.mark.parametrize('imbalanced', [False, True])
def test_a_label_is_the_same_alone_and_in_a_row(imbalanced):
    settings = SynthFERSettings(imbalanced=imbalanced)
    found = labels(settings, 'test', 300)
    assert [label_of(settings, 'test', i) for i in range(300)] == found.tolist()
    np.testing.assert_array_equal(labels(settings, 'test', 120, 77), found[77:197])


PINNED = [4, 2, 1, 0, 5, 6, 3, 5, 1, 6, 4, 2, 3, 0]
PINNED_NOISE = [[-100, -86, 60], [-26, -157, -94]]


def test_streams_are_pinned():
    # raw numbers are promised to stay the same for ever: so are the labels
    assert labels(DEFAULT, 'train', 14).tolist() == PINNED
    assert triangle(generator(0, 'train', 'nuisance'), (2, 3)).tolist() == PINNED_NOISE


def test_person_and_circumstances_do_not_depend_on_the_class():
    happy = render(EASY, 'train', 3, CLASSES.index('Happiness'))
    angry = render(EASY, 'train', 3, CLASSES.index('Anger'))
    # only the expression differs: hair, ears, neck and background are the same
    changed = np.abs(happy.astype(int) - angry).max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    assert changed.sum() > 150
    assert rows.min() > 18
    assert columns.min() > 15 and columns.max() < 85
    # and the label plays no part in who image 3 shows
    names = {
        sample_identity(generator(0, 'train', 'identity', 3)).hair_style for _ in '12'
    }
    assert len(names) == 1


def test_identities_do_not_tell_the_class():
    found = labels(DEFAULT, 'train', 1400)
    people = [
        sample_identity(generator(0, 'train', 'identity', i)) for i in range(1400)
    ]
    glasses = np.array([person.glasses is not None for person in people])
    shares = [glasses[found == label].mean() for label in range(7)]
    assert 0.14 < glasses.mean() < 0.22
    assert np.ptp(shares) < 0.14  # 200 a class: within 3.5 standard errors


def test_own_label_is_the_default():
    own = label_of(DEFAULT, 'test', 5)
    np.testing.assert_array_equal(
        render(DEFAULT, 'test', 5), render(DEFAULT, 'test', 5, own)
    )


def test_difficulty_makes_circumstances_worse():
    pose, noise, quality, occluded = [], [], [], []
    for difficulty in (0.0, 0.5, 1.0):
        drawn = [
            sample_nuisance(generator(0, 'train', 'nuisance', i), difficulty, 32)
            for i in range(100)
        ]
        pose.append(np.std([n.yaw for n in drawn]))
        noise.append(np.mean([n.noise.std() for n in drawn]))
        quality.append(np.mean([n.jpeg for n in drawn]))
        occluded.append(sum(n.occluder is not None for n in drawn))
    for values in (pose, noise, occluded):
        assert values[0] < values[1] < values[2]
    assert quality[0] > quality[1] > quality[2]
    assert occluded[0] == noise[0] == 0


def test_turning_the_head_moves_near_parts_most():
    points = np.array([[0.0, 0.3, 1.0], [0.0, 0.3, 0.0]])
    straight, turned = Projector(200), Projector(200, yaw=0.3)
    move = turned(points) - straight(points)
    assert move[0, 0] > 10
    assert move[1, 0] == pytest.approx(0)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('difficulty', -0.1),
        ('difficulty', 1.5),
        ('difficulty', float('nan')),
        ('num_classes', 6),
        ('image_size', 31),
        ('image_size', 64.0),
        ('seed', -1),
        ('seed', 0.5),
    ],
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f'^{name} .*{value}'):
        SynthFERSettings(**{name: value})


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match='imbalanced'):
        SynthFERSettings(num_classes=8, imbalanced=True)
    with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'val'"):
        labels(DEFAULT, 'val', 3)
    with pytest.raises(ValueError, match='count'):
        labels(DEFAULT, 'train', -1)
    with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'val'"):
        render(DEFAULT, 'val', 0)
    with pytest.raises(ValueError, match='index must be >= 0, got -1'):
        render(DEFAULT, 'train', -1)
    with pytest.raises(ValueError, match='label must be from 0 to 6, got 7'):
        render(DEFAULT, 'train', 0, 7)
