"""QCS with SAM on two and four processes, and resumed on four and on one."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from free_port import free_port
from test_qcs_end_to_end import SMALL, data_options

pytestmark = pytest.mark.slow

# Each process writes what it trained on and what it ended with.
SPY = """
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class RankSpy(Hook):
    priority = 'LOWEST'
    batches = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        anchors = [sample.img_path for sample in samples[: len(samples) // 4]]
        self.batches.append((runner.epoch, runner.iter, anchors))

    def after_train(self, runner):
        model = getattr(runner.model, 'module', runner.model)
        end = model.state_dict(), self.batches
        torch.save(end, f'{runner.work_dir}/rank{get_rank()}.pth')
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Path:
    """The small config, three anchors a batch, on distances over all processes."""
    folder = tmp_path_factory.mktemp('many')
    (folder / 'rank_spy.py').write_text(SPY)
    config = folder / 'config.py'
    config.write_text(
        f'_base_ = {str(SMALL)!r}\n'
        "custom_imports = dict(imports=['rank_spy'])\n"
        "model = dict(cross=dict(attention=dict(distance_range='world')))\n"
        'train_dataloader = dict(\n'
        # the spy reads paths
        "    batch_size=3, collate_fn=dict(type='default_collate'),\n"
        '    dataset=dict(pipeline={{_base_.test_pipeline}}))\n'
        "optim_wrapper = dict(_delete_=True, type='mmqcs.SAMOptimWrapper',\n"
        "    optimizer=dict(type='Adam', lr=1e-3))\n"
        "param_scheduler = dict(_delete_=True, type='ExponentialLR', gamma=0.5)\n"
        "custom_hooks = [dict(type='mmqcs.SAMHook'), dict(type='SyncBuffersHook'),\n"
        "    dict(type='RankSpy')]\n"
        'default_hooks = dict(logger=dict(interval=1),\n'
        '    checkpoint=dict(max_keep_ckpts=-1))\n'
        'train_cfg = dict(max_epochs=2)\n'
    )
    return config


@pytest.fixture(scope='module')
def train(run, config, rafdb_root):
    """Trains on a number of processes; gives what each process wrote."""

    def start(folder, processes, *arguments, options=()):
        tool = ('train.py', config)
        if processes > 1:
            tool = ('dist_train.sh', config, processes)
        options = ['--cfg-options', *data_options(rafdb_root), *options]
        done = run(
            *tool,
            *('--work-dir', 'run', '--no-validate'),
            *arguments,
            *options,
            cwd=folder,
            PORT=str(free_port()),
            PYTHONPATH=os.pathsep.join((str(config.parent), str(ROOT))),
        )
        assert done.returncode == 0, done.stderr[-3000:]
        files = sorted((folder / 'run').glob('rank*.pth'))
        assert len(files) == processes
        ends = [torch.load(file, weights_only=False) for file in files]
        return [state for state, _ in ends], [batches for _, batches in ends], done

    return start


@pytest.fixture(scope='module')
def two(train, tmp_path_factory):
    """Two epochs on two processes, the learning rate scaled by the batch."""
    folder = tmp_path_factory.mktemp('two')
    scale = 'auto_scale_lr.base_batch_size=3'
    return folder / 'run', *train(folder, 2, '--auto-scale-lr', options=[scale])


def learning_rates(work_dir):
    """Logged learning rates, one an epoch."""
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    return sorted({r['lr'] for r in records if 'lr' in r}, reverse=True)


def check_one_model(states):
    for state in states[1:]:
        for name, value in state.items():
            assert torch.equal(value, states[0][name]), name


def check_epoch(batches, epoch, sizes):
    """Each process gets batches of these sizes, and all anchors are disjoint."""
    shares = [[b[2] for b in rank if b[0] == epoch] for rank in batches]
    assert [[len(anchors) for anchors in share] for share in shares] == [sizes] * len(
        shares
    )
    anchors = np.concatenate([a for share in shares for a in share])
    assert len(anchors) == len(set(anchors)) == 28


def test_two_processes_end_with_one_model(two):
    work_dir, states, batches, _ = two
    check_one_model(states)
    for epoch in range(2):
        check_epoch(batches, epoch, [3, 3, 3, 3, 2])
    # base_batch_size counts anchors: twice three of them, twice the rate
    assert learning_rates(work_dir) == pytest.approx([2e-3, 1e-3])


@pytest.mark.parametrize(('processes', 'sizes'), [(4, [3, 3, 1]), (1, [3] * 9 + [1])])
def test_resumed_on_another_number_of_processes(train, two, tmp_path, processes, sizes):
    checkpoint = two[0] / 'epoch_1.pth'
    states, batches, done = train(tmp_path, processes, '--resume', checkpoint)
    check_one_model(states)
    check_epoch(batches, 1, sizes)
    assert [b[1] for b in batches[0]] == [len(sizes) + i for i in range(len(sizes))]
    assert learning_rates(tmp_path / 'run') == pytest.approx([1e-3])
    text = done.stdout + done.stderr
    assert (
        f'resumed on {processes} process(es) with {len(sizes)} batches per epoch, '
        f'from a checkpoint of 2 with 5'
    ) in text
    start = torch.load(checkpoint, weights_only=False)['state_dict']
    name = 'backbone.stem.0.weight'
    assert not torch.equal(states[0][name], start[name])
