"""Configs that cannot train: one line before the first iteration, status 1."""

import itertools
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from tool_helpers import load_tool, merged

from mmqcs.runs import lock as run_lock
from mmqcs.runs.lock import work_dir_lock

train = load_tool('train')
NUMBER = itertools.count()


@pytest.fixture
def failing(toy_config, tmp_path, monkeypatch, capsys):
    """Run the program: its last line on stderr, after status 1 and no iteration."""
    iterations = []
    step = Runner.call_hook

    def call_hook(self, name, **kwargs):
        if name == 'after_train_iter':
            iterations.append(name)
        return step(self, name, **kwargs)

    monkeypatch.setattr(Runner, 'call_hook', call_hook)

    def run(*args, iterated=0, config=toy_config):
        name = f'experiment_name=setup_{next(NUMBER)}'
        given = [*map(str, args)]
        if '--cfg-options' in given:
            given.append(name)
        else:
            given += ['--cfg-options', name]
        given = [str(config), '--work-dir', str(tmp_path / 'run'), *given]
        monkeypatch.setattr(sys, 'argv', ['train.py', *given])
        with pytest.raises(SystemExit) as stop:
            train.main()
        assert stop.value.code == 1
        assert len(iterations) == iterated
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith('mmqcs: ')
        return line

    return run


LINES = {
    'train_cfg.max_epochs=-3': ['train_cfg.max_epochs', '-3'],
    'train_cfg.max_epochs=0': ['train_cfg.max_epochs', 'got 0'],
    'train_cfg.max_epochs=1.5': ['train_cfg.max_epochs', '1.5'],
    'train_cfg.val_interval=0': ['train_cfg.val_interval', 'got 0'],
    'train_cfg.by_epoch=maybe': ['train_cfg.by_epoch', 'maybe'],
    'train_cfg.typo=3': ['train_cfg', "'typo'"],
    'train_dataloader.batch_size=0': ['train_dataloader.batch_size', 'got 0'],
    'train_dataloader.num_workers=-1': ['train_dataloader.num_workers', '-1'],
    'train_dataloader.typo=3': ['train_dataloader', "'typo'"],
    'train_dataloader.dataset.typo=3': ['train_dataloader.dataset', "'typo'"],
    'train_dataloader.sampler.type=NoSampler': ['sampler', "'NoSampler'"],
    'train_dataloader.dataset.pipeline.0.type=LoadImageFromFil': ['LoadImageFromFile'],
    'optim_wrapper.optimizer.lr=-1': ['optim_wrapper.optimizer.lr', '-1'],
    'optim_wrapper.optimizer.type=Adamm': ["'Adamm'", 'Adam '],
    'optim_wrapper.optimizer.typo=3': ['optim_wrapper.optimizer', "'typo'"],
    'optim_wrapper.clip_grad.max_norm=-1': ['optim_wrapper.clip_grad.max_norm', '-1'],
    'model.backbone.type=ResNet_CIFA': ['model.backbone', "'ResNet_CIFA'", 'ResNet'],
    'model.backbone.typo=3': ['model.backbone', "'typo'"],
    'model.head.in_channels=31': ['model.head.fc', '31'],
    'model.head.num_classes=4': ['model.head has 4', 'has 3'],
    'model.head.loss.type=CrossEntropyLos': ['model.head.loss', 'CrossEntropyLoss?'],
    'model.data_preprocessor.num_classes=2': ['model.data_preprocessor has 2'],
    'model.data_preprocessor.std=[0,0,0]': ['model.data_preprocessor.std'],
    'model.data_preprocessor.mean=[1,2]': ['model.data_preprocessor.mean'],
    'randomness.seed=abc': ['randomness.seed', 'abc'],
    'default_hooks.checkpoint.interval=0': ['checkpoint.interval', 'got 0'],
    'default_hooks.checkpoint.save_best=accuracy/topp1': ['topp1', 'accuracy/top1'],
    'default_hooks.checkpoint.typo=1': ['default_hooks.checkpoint', "'typo'"],
    'val_evaluator.typo=2': ['val_evaluator', "'typo'"],
    'val_evaluator=None': ['val_evaluator must be set'],
    'optim_wrapper=None': ['optim_wrapper must be set'],
    'model.neck=3': ['ImageClassifier'],
}


@pytest.mark.parametrize(('option', 'facts'), LINES.items(), ids=LINES)
def test_a_wrong_setting(failing, option, facts):
    line = failing('--cfg-options', option)
    for fact in facts:
        assert fact in line


def test_the_metrics_of_other_evaluators_are_known_by_their_prefix(toy, failing):
    config = toy.with_name('accuracy.py')
    config.write_text(
        f"_base_ = {str(toy)!r}\nval_evaluator = dict(_delete_=True, type='Accuracy')"
    )
    option = 'default_hooks.checkpoint.save_best=acc/top1'
    line = failing('--cfg-options', option, config=config)
    assert "save_best='acc/top1'" in line
    assert 'accuracy/*' in line


def test_losses_that_are_not_finite(failing, tmp_path):
    options = '--cfg-options', 'optim_wrapper.optimizer.lr=1e30'
    line = failing(*options, iterated=2)
    assert 'losses of iteration 2 are not finite: loss nan' in line
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_a_work_dir_that_another_training_uses(failing, tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, 'WAIT', 0)
    with work_dir_lock(tmp_path / 'run'):
        before = sorted((tmp_path / 'run').iterdir())
        line = failing()
        assert sorted((tmp_path / 'run').iterdir()) == before
    assert f'{tmp_path}/run' in line


def test_a_work_dir_that_cannot_be_made(failing, tmp_path):
    (tmp_path / 'file').touch()
    line = failing('--work-dir', tmp_path / 'file' / 'run')
    assert f'{tmp_path}/file/run' in line


def test_resume_of_no_checkpoint(failing, tmp_path):
    torch.save({'state_dict': {}, 'meta': {}}, tmp_path / 'weights.pth')
    line = failing('--resume', tmp_path / 'weights.pth')
    assert f'{tmp_path}/weights.pth' in line
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'epoch_1.pth').touch()
    assert f'{tmp_path}/run' in failing('--resume')


def test_resume_without_a_checkpoint_keeps_the_weights_to_start_from(toy, monkeypatch):
    options = '--cfg-options', 'load_from=weights.pth'
    config = merged(train, monkeypatch, toy, '--resume', *options)
    assert (config.resume, config.load_from) == (False, 'weights.pth')


@pytest.mark.parametrize(
    ('given', 'kind'),
    [
        ({}, 'mmqcs.CheckpointHook'),
        ({'checkpoint': {'type': 'CheckpointHook'}}, 'mmqcs.CheckpointHook'),
        ({'checkpoint': {'type': CheckpointHook}}, 'mmqcs.CheckpointHook'),
        ({'checkpoint': {'type': 'Other'}}, 'Other'),
    ],
)
def test_every_config_gets_the_hooks_that_guard_a_run(given, kind):
    config = Config({'default_hooks': given})
    train.use_safe_hooks(config, trust=False)
    hooks = config.default_hooks
    assert hooks.checkpoint.type == kind
    assert hooks.resume == {'type': 'mmqcs.ResumeHook', 'trust': False}
    assert hooks.setup_check.type == 'mmqcs.SetupCheckHook'
    assert hooks.finite.type == 'mmqcs.FiniteHook'
    assert hooks.runtime_info.type == 'mmqcs.RuntimeInfoHook'


def test_checkpoints_that_are_switched_off_stay_off():
    config = Config({'default_hooks': {'checkpoint': None}})
    train.use_safe_hooks(config, trust=False)
    assert config.default_hooks.checkpoint is None
