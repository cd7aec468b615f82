"""A run resumed with another number of batches per epoch."""

import itertools
import logging
from types import SimpleNamespace

import pytest
import torch
import torch.nn as nn
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmqcs.checkpoints.safe_load import allow_mmengine_objects
from mmqcs.engine import ResumeHook


@pytest.fixture(autouse=True)
def checkpoints_of_mmengine():
    """The original MMEngine cannot load its own under PyTorch >= 2.6 without this."""
    allow_mmengine_objects()


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 1)

    def forward(self, inputs, mode='tensor'):
        return dict(loss=self.net(inputs).square().mean())


class Spy(Hook):
    priority = 'VERY_LOW'

    def __init__(self):
        self.seen = []
        self.updates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append((runner.epoch, runner.iter))
        self.before = runner.model.net.weight.detach().clone()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.updates.append(not torch.equal(self.before, runner.model.net.weight))


NUMBER = itertools.count()


def collate(batch):
    return dict(inputs=torch.stack(batch))


def train(work_dir, batch_size, epochs, schedules=(), accumulate=1, **kwargs):
    spy = Spy()
    kwargs.setdefault('train_cfg', dict(by_epoch=True, max_epochs=epochs))
    runner = Runner(
        Model(),
        work_dir=str(work_dir),
        experiment_name=f'run_{next(NUMBER)}',
        train_dataloader=dict(
            batch_size=batch_size,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=list(torch.ones(12, 2)),
            collate_fn=collate,
        ),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=0.1), accumulative_counts=accumulate
        ),
        param_scheduler=list(schedules) or None,
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook'),
            resume=dict(type='mmqcs.ResumeHook'),
        ),
        custom_hooks=[spy],
        randomness=dict(seed=0),
        default_scope='mmpretrain',
        log_level='WARNING',
        **kwargs,
    )
    runner.train()
    return spy, runner


WARNING = (
    'resumed on 1 process(es) with 4 batches per epoch, from a checkpoint of 1 with 3'
)


def logs(work_dir):
    return ''.join(path.read_text() for path in work_dir.rglob('*.log'))


def resumed(work_dir, batch_size, epochs, *args, **kwargs):
    start = str(work_dir / 'epoch_2.pth')
    return train(
        work_dir, batch_size, epochs, *args, load_from=start, resume=True, **kwargs
    )


def test_epochs_go_on_and_accumulation_stays_in_step(tmp_path, caplog):
    """Four batches per epoch after three, in updates of three batches."""
    train(tmp_path, 4, 2)
    meta = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)['meta']
    assert (meta['world_size'], meta['batches_per_epoch']) == (1, 3)
    spy, runner = resumed(tmp_path, 3, 3, accumulate=3)
    assert spy.seen == [(2, 8), (2, 9), (2, 10), (2, 11)]
    assert spy.updates == [True, False, False, True]  # after batches 9 and 12
    assert runner.iter == 12
    assert WARNING in logs(tmp_path)


def test_nothing_moves_with_as_many_batches(tmp_path):
    train(tmp_path, 4, 2)
    spy, _ = resumed(tmp_path, 4, 3)
    assert spy.seen == [(2, 6), (2, 7), (2, 8)]
    assert 'resumed on' not in logs(tmp_path)


SCHEDULE = dict(type='LinearLR', by_epoch=True, convert_to_iter_based=True)


def test_a_schedule_of_iterations_under_way_is_refused(tmp_path):
    schedules = [dict(SCHEDULE, end=3), dict(type='ExponentialLR', gamma=0.9)]
    train(tmp_path, 4, 2, schedules)
    message = r'4 batches per epoch, .* of 1 with 3.* LinearLR in param_scheduler'
    with pytest.raises(ValueError, match=message):
        resumed(tmp_path, 3, 3, schedules)
    resumed(tmp_path, 4, 3, schedules)


def test_a_schedule_of_iterations_at_its_end_is_none(tmp_path):
    schedules = [dict(SCHEDULE, end=1)]
    train(tmp_path, 4, 2, schedules)
    spy, _ = resumed(tmp_path, 3, 3, schedules)
    assert len(spy.seen) == 4


def test_runs_that_count_iterations_go_on_at_theirs(tmp_path):
    train(tmp_path, 4, 2)
    loop = dict(by_epoch=False, max_iters=8)
    spy, _ = resumed(tmp_path, 3, 3, train_cfg=loop)
    assert [i for _, i in spy.seen] == [6, 7]
    assert WARNING in logs(tmp_path)


def test_checkpoints_without_the_note_are_resumed_as_ever(tmp_path):
    train(tmp_path, 4, 2)
    checkpoint = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)
    del checkpoint['meta']['world_size']
    torch.save(checkpoint, tmp_path / 'epoch_2.pth')
    spy, _ = resumed(tmp_path, 3, 3)
    assert spy.seen[0] == (2, 6)


def test_a_new_run_from_weights_is_not_a_resumed_one(tmp_path):
    train(tmp_path, 4, 2)
    spy, _ = train(tmp_path, 3, 1, load_from=str(tmp_path / 'epoch_2.pth'))
    assert spy.seen[0] == (0, 0)
    assert 'resumed on' not in logs(tmp_path)


def forge(work_dir, **meta):
    path = work_dir / 'epoch_2.pth'
    checkpoint = torch.load(path, weights_only=False)
    checkpoint['meta'].update(meta)
    torch.save(checkpoint, path)


CODE = "open('canary', 'w').close()\ngpu_ids = [0]"


@pytest.mark.parametrize(
    'text',
    [CODE, "custom_imports = dict(imports=['canary'])", "_base_ = ['canary.py']"],
)
def test_the_config_text_of_a_checkpoint_is_not_run(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('canary.py', 'other.py'):
        (tmp_path / name).write_text(CODE)
    train(tmp_path, 4, 2)
    forge(tmp_path, config=text)
    spy, _ = resumed(tmp_path, 4, 3)
    assert spy.seen == [(2, 6), (2, 7), (2, 8)]
    assert not (tmp_path / 'canary').exists()
    assert "meta['config']" in logs(tmp_path)


def test_the_config_text_of_a_trusted_checkpoint_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(tmp_path, 4, 2)
    forge(tmp_path, config=CODE)
    checkpoint = {'meta': {'config': CODE}}
    runner = SimpleNamespace(_resume=False, logger=logging.getLogger('trusted'))
    ResumeHook(trust=True).after_load_checkpoint(runner, checkpoint)
    assert checkpoint['meta']['config'] == CODE
