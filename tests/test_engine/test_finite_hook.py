"""Losses and weights that are not finite."""

from types import SimpleNamespace

import pytest
import small_run
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmqcs.checkpoints.safe_load import allow_mmengine_objects
from mmqcs.engine import FiniteHook, NotFiniteError

NAN, INF = float('nan'), float('inf')


def feed(hook, losses):
    for i, value in enumerate(losses):
        outputs = {'loss': value, 'loss_b': torch.tensor(2.0), 'top1': NAN}
        hook.after_train_iter(SimpleNamespace(iter=i), i, outputs=outputs)


@pytest.mark.parametrize('value', [NAN, INF, -INF, torch.tensor(NAN)])
def test_the_iteration_and_its_losses_are_named(value):
    with pytest.raises(
        NotFiniteError, match=r'iteration 2 .*loss -?(nan|inf), loss_b 2'
    ):
        feed(FiniteHook(), [1.0, value, 1.0, 1.0])
    feed(FiniteHook(), [1.0] * 5)  # top1 is no loss


@pytest.mark.parametrize('part', ['state_dict', 'ema_state_dict'])
def test_weights_that_are_not_finite_are_not_saved(part):
    hook = FiniteHook()
    good = {'a': torch.ones(2), 'steps': torch.tensor(3)}
    hook.before_save_checkpoint(None, {'state_dict': good})
    bad = {'state_dict': good, part: {'b': torch.tensor([1, NAN])}}
    with pytest.raises(NotFiniteError, match=rf'b in the {part}.*iteration 8'):
        hook.before_save_checkpoint(SimpleNamespace(iter=7), bad)


@pytest.mark.parametrize('runtime_info', ['RuntimeInfoHook', 'mmqcs.RuntimeInfoHook'])
def test_the_last_good_checkpoint_is_kept(tmp_path, runtime_info):
    hooks = dict(
        runtime_info=dict(type=runtime_info),
        logger=dict(type='LoggerHook', interval=100),
        checkpoint=dict(type='mmqcs.CheckpointHook', interval=1, max_keep_ckpts=1),
        finite=dict(type='mmqcs.FiniteHook'),
    )
    loop = dict(by_epoch=True, max_epochs=1)
    Runner.from_cfg(
        small_run.config(tmp_path, default_hooks=hooks, train_cfg=loop)
    ).train()
    good = (tmp_path / 'epoch_1.pth').read_bytes()
    allow_mmengine_objects()  # the original MMEngine cannot load its own without
    loop['max_epochs'] = 2
    config = small_run.config(tmp_path, default_hooks=hooks, train_cfg=loop)
    config.load_from, config.resume = str(tmp_path / 'epoch_1.pth'), True
    runner = Runner.from_cfg(config)

    class Spoil(Hook):
        def before_train_epoch(self, runner):
            torch.nn.init.constant_(runner.model.head.fc.weight, NAN)

    runner.register_hook(Spoil())
    with pytest.raises(NotFiniteError, match='iteration 3 .*loss nan'):
        runner.train()
    assert [path.name for path in tmp_path.glob('epoch_*')] == ['epoch_1.pth']
    assert (tmp_path / 'epoch_1.pth').read_bytes() == good
