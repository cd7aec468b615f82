"""Logits of an epoch determine the negatives of the next one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT
from dispatch import NoSyncHook
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from ranks import on_ranks

from mmqcs.checkpoints.safe_load import allow_mmengine_objects
from mmqcs.datasets import SynthFER
from mmqcs.functional import confusion_sums, update_confusion

SAM = dict(
    _delete_=True,
    type='mmqcs.SAMOptimWrapper',
    rho=0.5,
    optimizer=dict(type='SGD', lr=0.01),
)
ANCHORS = 7
RUNS = iter(range(1000))


class Record(Hook):
    """Groups of each epoch, and the base logits of each forward pass."""

    priority = 'LOWEST'

    def __init__(self):
        self.groups, self.passes, self.confusions = [], [], []

    def before_train(self, runner):
        self.head = runner.model.head.register_forward_hook(self.keep)
        draw = runner.train_dataloader.batch_sampler.draw_groups

        def keep_groups(anchors, rng):
            found = draw(anchors, rng)
            self.groups[-1].append(np.stack(found))
            return found

        runner.train_dataloader.batch_sampler.draw_groups = keep_groups

    def before_train_epoch(self, runner):
        self.groups.append([])
        self.passes.append([])

    def after_train_epoch(self, runner):
        self.confusions.append(runner.train_dataloader.batch_sampler.confusion)

    def keep(self, head, args, logits):
        if head.training:
            self.passes[-1].append(logits.detach().clone())


def config(work_dir, workers=0, epochs=3, **changes):
    """A run of three epochs of two iterations, without anything random but groups."""
    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    cfg.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'experiment_name': f'confusion_{next(RUNS)}',
            'train_dataloader': dict(
                batch_size=ANCHORS,
                num_workers=workers,
                persistent_workers=workers > 0,
                batch_sampler=dict(negative='confusion', drop_last=True),
                dataset=dict(
                    _delete_=True,
                    type='mmqcs.SynthFER',
                    num_images=14,
                    image_size=64,
                    pipeline=pipeline,
                ),
            ),
            'train_cfg': dict(max_epochs=epochs),
            'param_scheduler': None,
            'default_hooks.checkpoint': dict(
                _delete_=True, type='mmqcs.CheckpointHook', interval=1
            ),
            'optim_wrapper': dict(
                _delete_=True,
                type='OptimWrapper',
                optimizer=dict(type='SGD', lr=0.01),
            ),
        }
    )
    del cfg.default_hooks.report
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.merge_from_dict(changes)
    return cfg


def train(work_dir, *hooks, **kwargs):
    runner = Runner.from_cfg(config(work_dir, **kwargs))
    record = Record()
    for hook in (record, *hooks):
        runner.register_hook(hook)
    runner.train()
    return runner, record


def by_hand(records, step=1):
    """The mean after each epoch, over the records of all processes.

    Of the passes, every step-th is at the weights.
    """
    labels = SynthFER(num_images=14).get_gt_labels()
    running, found = np.zeros((7, 7)), []
    for epoch in range(len(records[0].groups)):
        sums = np.zeros((7, 7))
        for record in records:
            passes = record.passes[epoch][::step]
            for images, logits in zip(record.groups[epoch], passes, strict=True):
                anchors = torch.tensor(labels[images[0]])
                sums += confusion_sums(logits[:ANCHORS], anchors).double().numpy()
        running = update_confusion(running, sums, 0.5)
        found.append(running)
    return found


@pytest.mark.parametrize('sam', [False, True], ids=['plain', 'SAM'])
def test_the_sampler_gets_the_mean_of_the_anchors(tmp_path, sam):
    changes = {'optim_wrapper': SAM, 'custom_hooks': [dict(type='mmqcs.SAMHook')]}
    _, record = train(tmp_path, **(changes if sam else {}))
    assert [len(x) for x in record.passes] == [4 if sam else 2] * 3
    expected = by_hand([record], step=2 if sam else 1)
    np.testing.assert_allclose(record.confusions, expected, rtol=1e-4)


def test_the_confusion_decides_the_next_epoch(tmp_path):
    _, natural = train(
        tmp_path / 'a', **{'train_dataloader.batch_sampler.negative': 'natural'}
    )
    _, record = train(tmp_path / 'b')
    assert np.array_equal(record.groups[0], natural.groups[0])
    assert not np.array_equal(record.groups[1], natural.groups[1])


@pytest.mark.slow
def test_workers_do_not_change_the_groups(tmp_path):
    _, alone = train(tmp_path / 'a')
    _, helped = train(tmp_path / 'b', workers=2)
    assert np.array_equal(alone.groups, helped.groups)
    assert np.array_equal(alone.confusions, helped.confusions)


def test_a_resumed_run_goes_on_with_it(tmp_path):
    allow_mmengine_objects()  # as tools/train.py does
    _, whole = train(tmp_path / 'a')
    train(tmp_path / 'b', epochs=2)
    changes = dict(load_from=str(tmp_path / 'b/epoch_2.pth'), resume=True)
    _, rest = train(tmp_path / 'b', **changes)
    assert np.array_equal(rest.groups, whole.groups[2:])
    np.testing.assert_allclose(rest.confusions, whole.confusions[2:], rtol=1e-6)
    # a new run from these weights starts cold
    _, new = train(tmp_path / 'c', load_from=changes['load_from'])
    assert np.array_equal(new.groups[0], whole.groups[0])


def test_an_iteration_does_not_wait(tmp_path):
    hook = NoSyncHook(iterations=(1, 3))
    train(tmp_path, hook, **{'default_hooks.logger.interval': 100})
    assert len(hook.counts) == 2


def ranks_program(rank, world, folder):
    _, record = train(f'{folder}/{rank}', epochs=2)
    return SimpleNamespace(**{k: vars(record)[k] for k in ('groups', 'passes')}), [
        x.tolist() for x in record.confusions
    ]


@pytest.mark.slow
def test_all_processes_have_the_same(tmp_path):
    ranks = on_ranks(ranks_program, 2, tmp_path, str(tmp_path))
    (first, confusions), (second, others) = ranks
    assert confusions == others
    assert not np.array_equal(first.groups, second.groups)
    np.testing.assert_allclose(confusions, by_hand([first, second]), rtol=1e-4)


def test_models_without_groups_are_refused(tmp_path):
    cfg = config(tmp_path)
    for part in ('type', 'cross'):
        cfg.model.pop(part)
    cfg.model.type = 'ImageClassifier'
    runner = Runner.from_cfg(cfg)
    with pytest.raises(TypeError, match='QCSClassifier, got ImageClassifier'):
        runner.train()


def test_training_by_iterations_is_refused(tmp_path):
    cfg = config(tmp_path)
    cfg.train_cfg = dict(by_epoch=False, max_iters=4)
    with pytest.raises(ValueError, match=r'train_cfg\.by_epoch=True'):
        Runner.from_cfg(cfg).train()
