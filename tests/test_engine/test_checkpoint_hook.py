"""Checkpoints that survive a kill, and what a resumed checkpoint may not do."""

import itertools
from pathlib import Path

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.runner._flexible_runner import FlexibleRunner
from torch import nn

from mmqcs.checkpoints.safe_load import allow_mmengine_objects
from mmqcs.engine import CheckpointHook

NUMBER = itertools.count()


@pytest.fixture(autouse=True)
def checkpoints_of_mmengine():
    """The original MMEngine cannot load its own under PyTorch >= 2.6 without this."""
    allow_mmengine_objects()


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 1)

    def forward(self, inputs, mode='tensor'):
        loss = self.net(inputs).square().mean()
        return dict(loss=loss) if mode == 'loss' else [loss]


class Metric(BaseMetric):
    """Gives the scores it was made with, one per validation."""

    def __init__(self, scores):
        super().__init__(prefix='my')
        self.scores = iter(scores)

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        score = next(self.scores)
        return dict(score=score, other=-score)


def collate(batch):
    return dict(inputs=torch.stack(batch))


def loader():
    return dict(
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=list(torch.ones(4, 2)),
        collate_fn=collate,
    )


def runner(work_dir, epochs=3, scores=(1, 2, 3), hook=(), kind=Runner, **kwargs):
    kwargs.setdefault('train_cfg', dict(by_epoch=True, max_epochs=epochs))
    settings = dict(type='mmqcs.CheckpointHook', interval=1, max_keep_ckpts=1)
    settings |= dict(save_best='my/score', rule='greater')
    return kind(
        Model(),
        work_dir=str(work_dir),
        experiment_name=f'checkpoint_{next(NUMBER)}',
        train_dataloader=loader(),
        val_dataloader=loader(),
        val_cfg=dict(),
        val_evaluator=[Metric(scores)],
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(
            checkpoint={**settings, **dict(hook)},
            resume=dict(type='mmqcs.ResumeHook'),
        ),
        randomness=dict(seed=0),
        default_scope='mmpretrain',
        log_level='WARNING',
        **kwargs,
    )


def names(work_dir):
    return sorted(path.name for path in Path(work_dir).glob('*.pth'))


def test_it_keeps_what_the_stock_hook_keeps(tmp_path):
    for kind in ('CheckpointHook', 'mmqcs.CheckpointHook'):
        runner(tmp_path / kind, scores=(1, 3, 2), hook=dict(type=kind)).train()
        assert names(tmp_path / kind) == ['best_my_score_epoch_2.pth', 'epoch_3.pth']
        last = (tmp_path / kind / 'last_checkpoint').read_text()
        assert last == str(tmp_path / kind / 'epoch_3.pth')


def test_several_best_checkpoints(tmp_path):
    hook = dict(save_best=['my/score', 'my/other'], rule='greater')
    runner(tmp_path, scores=(1, 3, 2), hook=hook).train()
    best = ['best_my_other_epoch_1.pth', 'best_my_score_epoch_2.pth']
    assert names(tmp_path) == [*best, 'epoch_3.pth']


def test_iterations_and_more_than_one_checkpoint(tmp_path):
    loop = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
    hook = dict(by_epoch=False, max_keep_ckpts=2)
    runner(tmp_path, hook=hook, train_cfg=loop).train()
    assert names(tmp_path) == ['best_my_score_iter_4.pth', 'iter_3.pth', 'iter_4.pth']


@pytest.mark.parametrize('kind', [Runner, FlexibleRunner])
def test_epochs_and_iterations_are_counted_as_they_are(tmp_path, kind):
    plain = dict(strategy=dict(type='SingleDeviceStrategy'))
    extra = plain if kind is FlexibleRunner else {}
    runner(tmp_path, epochs=1, kind=kind, **extra).train()
    assert names(tmp_path) == ['best_my_score_epoch_1.pth', 'epoch_1.pth']
    for name in names(tmp_path):
        meta = torch.load(tmp_path / name, weights_only=False)['meta']
        assert (meta['epoch'], meta['iter']) == (1, 2)


@pytest.mark.parametrize('moment', ['epoch_2.pth', 'last_checkpoint', 'best_my_score'])
def test_the_old_checkpoint_is_there_until_the_new_one_is(
    tmp_path, monkeypatch, moment
):
    """A crash in a save, at the step that would make the new file visible."""
    from mmqcs import atomic

    replace = atomic.os.replace

    def crash(draft, path):
        if moment in str(path) and 'epoch_1' not in str(path) and count(path) > 1:
            raise KeyboardInterrupt
        replace(draft, path)

    seen = []

    def count(path):
        seen.append(path)
        return len(seen) if moment == 'last_checkpoint' else 2

    monkeypatch.setattr(atomic.os, 'replace', crash)
    with pytest.raises(KeyboardInterrupt):
        runner(tmp_path).train()
    left = names(tmp_path)
    assert 'best_my_score_epoch_1.pth' in left or moment == 'last_checkpoint'
    assert {'epoch_1.pth', 'epoch_2.pth'} & set(left)
    for name in left:
        torch.load(tmp_path / name, weights_only=False)
    assert Path((tmp_path / 'last_checkpoint').read_text()).is_file()


def test_a_validation_that_was_cut_off_is_done_first(tmp_path, monkeypatch):
    class Killed(Metric):
        def compute_metrics(self, results):
            raise KeyboardInterrupt

    broken = runner(tmp_path)
    broken._val_evaluator = [Killed(())]
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    assert names(tmp_path) == ['epoch_1.pth']
    start = dict(resume=True, load_from=str(tmp_path / 'epoch_1.pth'))
    runner(tmp_path, scores=(3, 2, 1), **start).train()
    assert names(tmp_path) == ['best_my_score_epoch_1.pth', 'epoch_3.pth']


def test_a_resumed_checkpoint_cannot_name_files_to_remove(tmp_path):
    runner(tmp_path / 'first', epochs=1).train()
    path = tmp_path / 'first' / 'epoch_1.pth'
    victims = [tmp_path / 'victim', tmp_path / 'second' / 'report.html']
    (tmp_path / 'victim').mkdir()
    victims[1].parent.mkdir()
    victims[1].touch()
    for victim in victims:
        checkpoint = torch.load(path, weights_only=False)
        info = checkpoint['message_hub']['runtime_info']
        info.update(best_ckpt=str(victim), best_score=-5, keep_ckpt_ids=['../x'])
        torch.save(checkpoint, tmp_path / 'forged.pth')
        start = dict(resume=True, load_from=str(tmp_path / 'forged.pth'))
        runner(tmp_path / 'second', epochs=2, **start).train()
        assert victim.exists()
    # the best checkpoint of another run stays as well
    start = dict(resume=True, load_from=str(path))
    runner(tmp_path / 'third', epochs=2, scores=(7, 8), **start).train()
    assert names(tmp_path / 'first') == ['best_my_score_epoch_1.pth', 'epoch_1.pth']


def test_drafts_of_a_killed_run_are_removed(tmp_path):
    draft = tmp_path / 'epoch_9.pth.77.mmqcs-draft'
    draft.write_bytes(b'half')
    runner(tmp_path, epochs=1).train()
    assert not draft.exists()


def test_an_unknown_argument_is_found_before_the_first_save():
    with pytest.raises(TypeError, match="'typo'"):
        CheckpointHook(typo=1)
