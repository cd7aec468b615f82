"""Scalars reach the message hub late, complete, and without waiting for a GPU."""

from contextlib import closing

import numpy as np
import pytest
import small_run
import torch
from conftest import ROOT
from dispatch import NoSync, NoSyncHook, SyncError
from mmengine import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmqcs.datasets import collate_faces
from mmqcs.engine.hooks.runtime_info_hook import _Scalars

COLLATE = dict(type='mmqcs.collate_faces')
SAM = dict(
    type='mmqcs.SAMOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3),
    clip_grad=dict(max_norm=0.5),
)
PLAIN = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3),
    clip_grad=dict(max_norm=0.5),
)


def run(tmp_path, runtime_info='mmqcs.RuntimeInfoHook', wrapper=PLAIN, **changes):
    """A run that is logged every second iteration."""
    hooks = dict(
        runtime_info=dict(type=runtime_info),
        logger=dict(type='LoggerHook', interval=2),
        finite=dict(type='mmqcs.FiniteHook'),
        checkpoint=dict(type='mmqcs.CheckpointHook', interval=1),
    )
    config = small_run.config(tmp_path, default_hooks=hooks, **changes)
    config.optim_wrapper = wrapper
    config.model.data_preprocessor.update(
        type='mmqcs.FERDataPreprocessor', erasing=dict(p=0.5)
    )
    config.train_dataloader.collate_fn = COLLATE
    if not config.train_cfg.by_epoch:
        config.train_dataloader.sampler.type = 'InfiniteSampler'
    if wrapper is SAM:
        config.custom_hooks = [dict(type='mmqcs.SAMHook')]
    return Runner.from_cfg(config)


@pytest.mark.parametrize('wrapper', [PLAIN, SAM], ids=['plain', 'sam'])
def test_an_iteration_between_two_logs_does_not_wait(tmp_path, wrapper):
    runner = run(tmp_path, wrapper=wrapper)
    hook = NoSyncHook(iterations=(1, 3, 5))
    runner.register_hook(hook)
    runner.train()
    first, *others = (counts.total() for counts in hook.counts)
    assert first > 100
    assert len(others) == 2


@pytest.mark.parametrize('wrapper', [PLAIN, SAM], ids=['plain', 'sam'])
def test_an_iteration_of_quadruplets_does_not_wait(tmp_path, rafdb_root, wrapper):
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    config.merge_from_dict(
        {
            'train_dataloader.dataset.data_root': str(rafdb_root),
            'train_dataloader.batch_size': 4,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'train_cfg': dict(by_epoch=True, max_epochs=1, _delete_=True),
            'default_hooks.logger.interval': 3,
            'work_dir': str(tmp_path),
            'optim_wrapper': dict(_delete_=True, **wrapper),
        }
    )
    del config.default_hooks.report
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    config.test_cfg = config.test_dataloader = config.test_evaluator = None
    config.custom_hooks = [dict(type='mmqcs.SAMHook')] if wrapper is SAM else []
    runner = Runner.from_cfg(config)
    hook = NoSyncHook(iterations=(1, 2, 4, 5))
    runner.register_hook(hook)
    runner.train()
    assert len(hook.counts) == 4


def test_the_stock_hook_does_wait(tmp_path):
    runner = run(tmp_path, 'RuntimeInfoHook')
    hook = NoSyncHook(iterations=(1,))
    runner.register_hook(hook)
    with closing(hook), pytest.raises(SyncError, match='_local_scalar_dense'):
        runner.train()


def histories(runner):
    return {
        name: buffer.data
        for name, buffer in runner.message_hub.log_scalars.items()
        if not name.endswith('time')
    }


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize('wrapper', [PLAIN, SAM], ids=['plain', 'sam'])
def test_the_hub_ends_with_the_same_values(tmp_path, wrapper, by_epoch):
    loop = dict(max_epochs=3) if by_epoch else dict(max_iters=5, val_interval=3)
    found = []
    for name in ('RuntimeInfoHook', 'mmqcs.RuntimeInfoHook'):
        loop = dict(loop, by_epoch=by_epoch, _delete_=True)
        runner = run(tmp_path / name, name, wrapper, train_cfg=loop)
        runner.train()
        found.append(histories(runner))
    stock, ours = found
    assert stock.keys() == ours.keys() >= {'train/loss', 'train/grad_norm', 'train/lr'}
    for name, (values, counts) in stock.items():
        np.testing.assert_array_equal(values, ours[name][0], err_msg=name)
        np.testing.assert_array_equal(counts, ours[name][1], err_msg=name)
    assert len(ours['train/loss'][0]) == (6 if by_epoch else 5)


def test_a_checkpoint_between_two_logs_has_the_scalars(tmp_path):
    runner = run(tmp_path, train_cfg=dict(by_epoch=False, max_iters=1, _delete_=True))
    runner.register_hook(Save(), 'LOWEST')
    runner.train()
    checkpoint = torch.load(tmp_path / 'between.pth', weights_only=False)
    assert len(checkpoint['message_hub']['log_scalars']['train/loss'].data[0]) == 1


class Save(Hook):
    """Save where no logger is due."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        assert 'train/loss' not in runner.message_hub.log_scalars
        runner.save_checkpoint(str(runner.work_dir), 'between.pth', by_epoch=False)


def test_scalars_are_copied_when_they_are_kept():
    """A model may log a view of a parameter, which the next update changes."""
    theta = torch.nn.Parameter(torch.tensor(1.0))
    kept = _Scalars(1, {'theta': theta, 'lr': 0.5, 'n': torch.tensor([2])})
    with torch.no_grad():
        theta += 1
    assert kept.values == {'theta': None, 'lr': 0.5, 'n': None}
    assert kept.packed.tolist() == [1.0, 2.0]
    assert not kept.packed.requires_grad


def test_the_helper_refuses_reading():
    x = torch.ones(3)
    for read in (
        lambda: x.sum().item(),
        lambda: float(x[0]),
        lambda: bool(x[0]),
        lambda: x.tolist(),
        lambda: x[x > 0],
        lambda: x.numpy(),
    ):
        with pytest.raises(SyncError), NoSync():
            read()
    with NoSync() as mode:
        x + 1
    assert mode.counts == {'aten::add': 1}


def test_collate_is_the_one_of_the_configs():
    from mmengine.registry import FUNCTIONS

    assert FUNCTIONS.get(COLLATE['type']) is collate_faces
