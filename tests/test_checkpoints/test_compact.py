"""Changes before publishing against the network that they change."""

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config

from mmqcs.checkpoints.compact import (
    CLASSIFIER,
    STEM,
    adjust_logits,
    grey_stem,
    half_precision,
)
from mmqcs.registry import MODELS

RECIPE = ROOT / 'configs/mix/ir-small_fer2013.py'


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(RECIPE).model)
    return model.eval()


def scores(model, images):
    inputs = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    data = model.data_preprocessor({'inputs': inputs})
    with torch.no_grad():
        return model(**data).softmax(dim=1)


@pytest.mark.parametrize('to_rgb', [True, False])
def test_photographs_score_as_their_grey_versions(model, to_rgb):
    preprocessor = dict(mean=[127.5] * 3, std=[64.0] * 3, to_rgb=to_rgb)
    changed = MODELS.build(
        dict(
            Config.fromfile(RECIPE).model,
            data_preprocessor=dict(type='ClsDataPreprocessor', **preprocessor),
        )
    ).eval()
    before = model.state_dict()
    changed.load_state_dict(grey_stem(before, preprocessor))
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (4, 6, 6, 3), dtype=np.uint8)
    colour = [cv2.resize(image, (48, 48)) for image in small]
    grey = [
        cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        for image in colour
    ]
    expected = scores(model, grey)
    torch.testing.assert_close(scores(changed, grey), expected, rtol=0, atol=1e-5)
    # OpenCV rounds grey values to whole numbers
    difference = abs(scores(changed, colour) - expected).max()
    assert difference < 2e-3
    assert abs(scores(model, colour) - expected).max() > 10 * difference
    assert before[STEM] is not changed.state_dict()[STEM]


def test_a_grey_stem_needs_equal_channels():
    state = {STEM: torch.ones(4, 3, 3, 3)}
    with pytest.raises(ValueError, match=r'std .*\[1.0, 2.0, 1.0\]'):
        grey_stem(state, dict(mean=[0.0] * 3, std=[1.0, 2.0, 1.0]))
    for wrong in ({}, {STEM: torch.ones(4, 1, 3, 3)}):
        with pytest.raises(ValueError, match=STEM):
            grey_stem(wrong, {})


def test_half_precision_scores_nearly_the_same(model):
    state = model.state_dict()
    half = half_precision(state)
    size, before = (
        sum(v.numel() * v.element_size() for v in s.values()) for s in (half, state)
    )
    assert size < 0.52 * before
    assert half['backbone.stem.1.running_var'].dtype == torch.float32
    rounded = MODELS.build(Config.fromfile(RECIPE).model).eval()
    rounded.load_state_dict(half)
    images = list(np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8))
    difference = abs(scores(rounded, images) - scores(model, images)).max()
    assert 0 < difference < 1e-3


def test_too_large_for_half_precision():
    with pytest.raises(ValueError, match=r'layer\.weight .*65504'):
        half_precision({'layer.weight': torch.full((2, 2), 1e5)})


@pytest.mark.parametrize('tau', [0.0, 0.3, 1.0])
def test_adjusted_scores_are_divided_by_the_shares(model, tau):
    counts = [10, 1, 4, 40, 20, 5, 20]
    adjusted = MODELS.build(Config.fromfile(RECIPE).model).eval()
    adjusted.load_state_dict(adjust_logits(model.state_dict(), counts, tau))
    images = list(np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), np.uint8))
    expected = scores(model, images) / (torch.tensor(counts) / 100) ** tau
    expected /= expected.sum(dim=1, keepdim=True)
    torch.testing.assert_close(scores(adjusted, images), expected)


@pytest.mark.parametrize(
    ('state', 'counts', 'error'),
    [
        ({}, [1, 2], CLASSIFIER),
        ({CLASSIFIER: torch.zeros(3)}, [1, 2], 'of 2 classes'),
        ({CLASSIFIER: torch.zeros(2)}, [0, 2], r'every class .*\[0, 2\]'),
    ],
)
def test_logits_that_cannot_be_adjusted(state, counts, error):
    with pytest.raises(ValueError, match=error):
        adjust_logits(state, counts, 1.0)
