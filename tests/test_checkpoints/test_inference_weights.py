"""Weights that serve at test time are loaded all or not at all."""

from copy import deepcopy

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmpretrain.registry import MODELS

from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.checkpoints.weights import load_inference_weights

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
META = {'dataset_meta': {'classes': tuple('abcdefg')}}


def small():
    return MODELS.build(Config.fromfile(SMALL).model)


@pytest.fixture
def state():
    return {
        key: torch.rand_like(value) if value.is_floating_point() else value
        for key, value in small().state_dict().items()
    }


@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize('with_cross', [False, True])
def test_what_is_loaded(state, with_cross, prefix):
    model = small()
    before = deepcopy(model.state_dict())
    content = {'state_dict': {prefix + k: v for k, v in state.items()}, 'meta': META}
    assert load_inference_weights(model, content, 'a.pth', with_cross) == META
    for key, value in model.state_dict().items():
        loaded = with_cross or not key.startswith('cross.')
        assert torch.equal(value, state[key] if loaded else before[key]), key


def test_a_state_dict_without_the_cross_branch(state):
    model = small()
    state = {k: v for k, v in state.items() if not k.startswith('cross.')}
    assert load_inference_weights(model, state, 'a.pth') == {}
    with pytest.raises(CheckpointError, match=r'a.pth lacks the cross branch \(cross'):
        load_inference_weights(model, state, 'a.pth', with_cross=True)


def change(state, key, value):
    return {**{k: v for k, v in state.items() if k != key}, **value}


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('head.fc.bias', {}, r'\(1 of \d+ weights\): head.fc.bias is missing\. Is it'),
        (
            'head.fc.weight',
            {'head.fc.weight': torch.zeros(8, 96)},
            r'head.fc.weight is \(8, 96\) in the file, \(7, 96\) in the model\. Is it',
        ),
        ('', {'other.weight': torch.zeros(1)}, 'other.weight is unknown'),
        ('', {f'x{i}': torch.zeros(1) for i in range(5)}, 'x2 is unknown, and 2 more'),
    ],
    ids=['missing', 'shape', 'unknown', 'many'],
)
def test_what_does_not_fit_is_named_and_changes_nothing(state, key, value, message):
    model = small()
    before = deepcopy(model.state_dict())
    with pytest.raises(CheckpointError, match=message):
        load_inference_weights(model, change(state, key, value), 'a.pth')
    for name, old in before.items():
        assert torch.equal(model.state_dict()[name], old)


@pytest.mark.parametrize('content', [{}, {'state_dict': {'a': 1}}, {'meta': {}}])
def test_what_holds_no_weights(content):
    with pytest.raises(CheckpointError, match='a.pth holds no '):
        load_inference_weights(small(), content, 'a.pth')
