"""Action units, and the emotions made of them."""

import numpy as np
import pytest

from mmqcs.synth.action_units import (
    ACTION_UNITS,
    EMOTIONS,
    FOLDS,
    NUMBERS,
    ROWS,
    displacements,
    fold_depths,
    sample_intensities,
)
from mmqcs.synth.geometry import INDEX
from mmqcs.synth.identity import sample_identity
from mmqcs.synth.nuisance import sample_nuisance
from mmqcs.synth.rng import generator
from mmqcs.synth.synth_fer import render_face

EXPECTED = {
    'Happiness': ({6, 12}, {25}),
    'Sadness': ({1, 4, 15}, set()),
    'Surprise': ({1, 2, 5, 26}, {25}),
    'Fear': ({1, 2, 4, 5, 20, 26}, {25}),
    'Anger': ({4, 5, 7, 23}, {24}),
    'Disgust': ({9, 10, 15}, {4, 7}),
    'Neutral': (set(), set()),
    'Contempt': ({12, 14}, set()),
}


def present(intensities: np.ndarray) -> set[int]:
    return {n for n in NUMBERS if intensities[:, ROWS[n]].any()}


def expressions(emotion: str, difficulty: float, count: int = 60) -> list[np.ndarray]:
    return [
        sample_intensities(generator(3, 'train', 'expression', i), emotion, difficulty)
        for i in range(count)
    ]


@pytest.mark.parametrize('emotion', EMOTIONS)
def test_emotions_are_their_units(emotion):
    always, maybe = EXPECTED[emotion]
    spec = EMOTIONS[emotion]
    assert set(spec.always) == always
    # the optional units come and go
    assert set(spec.maybe) >= maybe
    for unit in maybe:
        shown = [
            values[:, ROWS[unit]].min() > 0.3 for values in expressions(emotion, 0.0)
        ]
        assert 0 < sum(shown) < len(shown)
    for values in expressions(emotion, 0.0):
        strong = {n for n in NUMBERS if values[:, ROWS[n]].max() > 0.3}
        assert always <= strong <= always | maybe


def test_contempt_is_one_sided():
    sides = set()
    for values in expressions('Contempt', 0.0):
        strength = values[:, ROWS[14]]
        assert strength.min() == 0 and strength.max() > 0.3
        sides.add(int(strength.argmax()))
    assert sides == {0, 1}


def test_harder_expressions_are_weaker_and_mixed():
    means, extras = [], []
    for difficulty in (0.0, 0.5, 1.0):
        drawn = expressions('Anger', difficulty)
        means.append(np.mean([v[:, ROWS[4]].mean() for v in drawn]))
        extras.append(np.mean([len(present(v) - {4, 5, 7, 23, 24}) for v in drawn]))
    assert means[0] > means[1] + 0.1 > means[2] + 0.2
    assert extras[0] == 0 < extras[1] < extras[2]
    assert all(v.min() >= 0 and v.max() <= 1 for v in drawn)


def test_displacements_add_up():
    values = np.zeros((2, len(NUMBERS)))
    values[0, ROWS[12]] = 0.5
    values[0, ROWS[15]] = 1.0
    values[1, ROWS[26]] = 1.0
    moves = displacements(values)
    corner = INDEX['mouth_corner']
    expected = 0.5 * np.array(ACTION_UNITS[12].moves['mouth_corner'])
    expected = expected + np.array(ACTION_UNITS[15].moves['mouth_corner'])
    np.testing.assert_allclose(moves[0, corner], expected)
    chin = INDEX['chin_mid']
    np.testing.assert_allclose(
        moves[:, chin], [(0, 0), (0, ACTION_UNITS[26].moves['chin_mid'])]
    )
    depths = fold_depths(values)
    assert depths[0, FOLDS.index('naso')] == 0.5 * ACTION_UNITS[12].folds['naso']
    assert depths[1, FOLDS.index('naso')] == 0


@pytest.mark.parametrize('number', NUMBERS)
def test_every_unit_shows_in_the_image(number):
    identity = sample_identity(generator(0, 'train', 'identity', 4))
    nuisance = sample_nuisance(generator(0, 'train', 'nuisance', 4), 0.0, 100)
    pictures = []
    for strength in (0.0, 0.5, 1.0):
        values = np.zeros((2, len(NUMBERS)))
        values[:, ROWS[number]] = strength
        pictures.append(render_face(identity, values, nuisance, 100).astype(int))
    half, full = (np.abs(p - pictures[0]).max(axis=2) > 12 for p in pictures[1:])
    assert half.sum() > 10
    assert full.sum() > half.sum()
    # units of the brows and lids leave the mouth alone, and the other way round
    rows = np.flatnonzero(full.any(axis=1))
    if number in (1, 2, 4, 5, 7):
        assert rows.max() < 55
    if number in (15, 17, 20, 23, 24, 25, 26):
        assert rows.min() > 55


def test_one_side_moves_alone():
    identity = sample_identity(generator(0, 'train', 'identity', 4))
    nuisance = sample_nuisance(generator(0, 'train', 'nuisance', 4), 0.0, 100)
    values = np.zeros((2, len(NUMBERS)))
    rest = render_face(identity, values, nuisance, 100).astype(int)
    values[1, ROWS[2]] = 1.0
    raised = render_face(identity, values, nuisance, 100).astype(int)
    columns = np.flatnonzero((np.abs(raised - rest).max(axis=2) > 12).any(axis=0))
    assert columns.min() > 50
