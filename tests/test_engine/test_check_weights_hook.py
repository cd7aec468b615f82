"""A runner takes the weights that fit its model, and no others."""

from types import SimpleNamespace

import pytest
import small_run
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.engine import CheckWeightsHook

HOOK = {'default_hooks.weights': {'type': 'mmqcs.CheckWeightsHook'}}


@pytest.fixture(scope='module')
def state():
    torch.manual_seed(1)
    config = small_run.config('unused')
    return MODELS.build(config.model).state_dict()


def runner_of(tmp_path, content, **changes):
    path = tmp_path / 'a.pth'
    torch.save(content, path)
    changes = {**HOOK, 'load_from': str(path), 'visualizer': None, **changes}
    config = small_run.config(tmp_path, **changes)
    del config.default_hooks.report
    return Runner.from_cfg(config)


CONTENT = {
    'mmengine': lambda s: {'state_dict': s, 'meta': {}},
    'bare': lambda s: s,
    'model': lambda s: {'model': s, 'epoch': 3},
    'lightning': lambda s: {'state_dict': {f'model.{k}': v for k, v in s.items()}},
    'compiled': lambda s: {'state_dict': {f'_orig_mod.{k}': v for k, v in s.items()}},
    'parallel': lambda s: {f'module.{k}': v for k, v in s.items()},
}


@pytest.mark.parametrize('name', CONTENT)
def test_a_test_measures_the_weights_of_the_file(tmp_path, state, name):
    runner = runner_of(tmp_path, CONTENT[name](dict(state)))
    runner.load_or_resume()
    loaded = runner.model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


BROKEN = {
    'nothing': lambda s: {},
    'other keys': lambda s: {f'a.{k}': v for k, v in s.items()},
    'one missing': lambda s: {k: v for k, v in s.items() if k != 'head.fc.bias'},
    'one too many': lambda s: {**s, 'head.extra': torch.ones(1)},
    'another shape': lambda s: {**s, 'head.fc.bias': torch.ones(8)},
    'NaN': lambda s: {**s, 'head.fc.bias': torch.full((7,), float('nan'))},
    'integers': lambda s: {**s, 'head.fc.bias': torch.ones(7, dtype=torch.int8)},
}


@pytest.mark.parametrize('name', BROKEN)
@pytest.mark.parametrize('phase', ['test', 'train'])
def test_what_does_not_fit_ends_the_run(tmp_path, state, name, phase):
    runner = runner_of(tmp_path, {'state_dict': BROKEN[name](dict(state))})
    with pytest.raises(CheckpointError, match=r'a\.pth'):
        getattr(runner, phase)()
    assert runner.iter == 0


def test_weights_averaged_by_ema_are_those_of_the_file(tmp_path, state):
    hooks = [{'type': 'EMAHook'}]
    content = {'state_dict': {f'model.{k}': v for k, v in state.items()}}
    runner = runner_of(tmp_path, content, custom_hooks=hooks)
    runner.call_hook('before_run')
    runner.load_or_resume()
    (hook,) = (h for h in runner.hooks if type(h).__name__ == 'EMAHook')
    averaged = hook.ema_model.module.state_dict()
    assert all(torch.equal(averaged[key], value) for key, value in state.items())


@pytest.mark.parametrize('phase', ['from', 'to'])
def test_train_only_parts_may_be_missing_on_one_side(tmp_path, phase):
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    whole = MODELS.build(config.model).state_dict()
    plain = {k: v for k, v in whole.items() if not k.startswith('cross.')}
    model = dict(config.model)
    if phase == 'to':
        keep = ('backbone', 'neck', 'head', 'data_preprocessor')
        model = {k: v for k, v in model.items() if k in keep}
        model['type'] = 'ImageClassifier'
    content = plain if phase == 'from' else whole
    cfg = {'model': {'_delete_': True, **model}}
    runner = runner_of(tmp_path, {'state_dict': content}, **cfg)
    runner.load_or_resume()
    loaded = runner.model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in plain.items())


def test_half_of_the_cross_branch_is_an_error(tmp_path):
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    state = MODELS.build(config.model).state_dict()
    del state['cross.attention.levels.0.theta']
    cfg = {'model': {'_delete_': True, **config.model}}
    runner = runner_of(tmp_path, {'state_dict': state}, **cfg)
    with pytest.raises(CheckpointError, match=r'levels\.0\.theta is missing'):
        runner.load_or_resume()


INITIAL = {
    'whole model': (lambda s: s, 'backbone'),
    'whole model, prefix with a dot': (lambda s: s, 'backbone.'),
    'backbone': (lambda s: backbone(s), None),
    'backbone and more': (lambda s: {**backbone(s), 'fc.weight': torch.ones(2)}, None),
}


def backbone(state):
    parts = ((k.partition('.'), v) for k, v in state.items())
    return {name: v for (part, _, name), v in parts if part == 'backbone'}


def train_from(tmp_path, content, prefix=None):
    torch.save(content, tmp_path / 'b.pth')
    cfg = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'b.pth')}
    cfg |= {'prefix': prefix} if prefix else {}
    changes = {'model.backbone.init_cfg': cfg, 'train_cfg.max_epochs': 1}
    runner = runner_of(tmp_path, {}, load_from=None, **changes)
    runner.train()
    return runner


@pytest.mark.parametrize('name', INITIAL)
def test_initial_weights_that_are_complete(tmp_path, state, name):
    make, prefix = INITIAL[name]
    assert train_from(tmp_path, make(dict(state)), prefix).iter == 2


@pytest.mark.parametrize(
    ('make', 'prefix'),
    [
        (lambda s: s, None),
        (
            lambda s: {k: v for k, v in s.items() if 'layer4.0.conv1' not in k},
            'backbone',
        ),
        (lambda s: {'fc.weight': torch.ones(2)}, None),
    ],
    ids=['no prefix', 'one missing', 'another network'],
)
def test_initial_weights_that_are_missing_end_the_run(tmp_path, state, make, prefix):
    with pytest.raises(CheckpointError, match=r'b\.pth lacks \d+ weights of backbone'):
        train_from(tmp_path, make(dict(state)), prefix)


def test_a_resumed_run_needs_the_train_only_parts_as_well():
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    model = MODELS.build(config.model)
    state = {k: v for k, v in model.state_dict().items() if 'cross.' not in k}
    runner = SimpleNamespace(model=model, _load_from='a.pth', _resume=True)
    with pytest.raises(CheckpointError, match=r'a\.pth .*cross\..* is missing'):
        CheckWeightsHook().after_load_checkpoint(runner, {'state_dict': state})
