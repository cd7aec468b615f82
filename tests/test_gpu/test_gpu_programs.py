"""The programs as a user runs them, resumed runs, and NCCL."""

import json
import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
from conftest import ROOT
from gpu_case import CONFIG, DEVICE, GRAPHS, batch, needs_gpu, small, train, wrap
from mmengine import Config
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner

pytestmark = needs_gpu

SPLITS = ('train', 'val', 'test')


def run_tool(name, *arguments, cwd):
    command = [sys.executable, ROOT / 'tools' / name, *arguments]
    paths = [str(ROOT), *os.environ.get('PYTHONPATH', '').split(os.pathsep)]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_training_and_test(rafdb_root, tmp_path):
    options = [f'{split}_dataloader.dataset.data_root={rafdb_root}' for split in SPLITS]
    options += [f'{split}_dataloader.num_workers=0' for split in SPLITS]
    options += [f'{split}_dataloader.persistent_workers=False' for split in SPLITS]
    training = [
        'train_dataloader.batch_size=7',
        'train_cfg.max_epochs=2',
        'model.compile.blocks=False',
        'model.compile.graphs=True',
        'default_hooks.logger.interval=1',
    ]
    arguments = '--amp', '--work-dir', 'run', '--cfg-options', *options, *training
    run_tool('train.py', CONFIG, *arguments, cwd=tmp_path)
    log = next((tmp_path / 'run').rglob('scalars.json')).read_text().splitlines()
    records = [json.loads(line) for line in log]
    losses = [record['loss'] for record in records if 'loss' in record]
    assert len(losses) == 8  # 28 anchors, 7 per batch, 2 epochs
    assert all(0 < loss < 10 for loss in losses)
    assert all(record['memory'] > 0 for record in records if 'loss' in record)
    out = '--out', 'metrics.json', '--out-item', 'metrics'
    run_tool(
        *('test.py', CONFIG, 'run/epoch_2.pth', *out, '--cfg-options', *options),
        cwd=tmp_path,
    )
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert 0 <= metrics['accuracy/top1'] <= 100


class Guard(Hook):
    """Lets no iteration between two logs wait for the GPU."""

    def __init__(self):
        self.guarded = 0

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if 2 <= batch_idx < 13 and (batch_idx + 1) % 5:
            torch.cuda.set_sync_debug_mode('error')
            self.guarded += 1

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('compile', [False, GRAPHS], ids=['eager', 'graphs'])
def test_no_iteration_between_two_logs_waits_for_the_gpu(rafdb_root, tmp_path, compile):
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    config.model.compile = compile
    config.optim_wrapper.type = 'mmqcs.SAMAmpOptimWrapper'
    config.optim_wrapper.optimizer.fused = True
    config.custom_hooks.append(dict(type='mmqcs.SAMHook'))
    config.train_dataloader.update(
        batch_size=2, num_workers=0, persistent_workers=False, pin_memory=True
    )
    config.train_dataloader.dataset.data_root = str(rafdb_root)
    config.train_cfg = dict(by_epoch=True, max_epochs=1)
    for part in ('cfg', 'dataloader', 'evaluator'):
        config[f'val_{part}'] = config[f'test_{part}'] = None
    config.default_hooks.logger.interval = 5
    del config.default_hooks.report
    config.work_dir = str(tmp_path)
    runner, guard = Runner.from_cfg(config), Guard()
    # after the loader has given its batch, around all other hooks
    runner.register_hook(guard, 'LOWEST')
    try:
        runner.train()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert guard.guarded == 9  # of 14 iterations, the last of which ends the epoch


def test_a_checkpoint_continues_bit_for_bit(tmp_path):
    batches = [batch(i) for i in range(8)]
    whole = small(compile=GRAPHS)
    expected = train(whole, wrap(whole), batches)

    first = small(compile=GRAPHS)
    wrapper = wrap(first)
    train(first, wrapper, batches[:4])
    state = dict(model=first.state_dict(), optimizer=wrapper.state_dict())
    torch.save(state, tmp_path / 'state.pth')

    state = torch.load(tmp_path / 'state.pth', map_location='cpu')
    second = small(compile=GRAPHS)
    wrapper = wrap(second)
    train(second, wrapper, batches[:1])  # captured before the weights are loaded
    second.load_state_dict(state['model'])
    wrapper.load_state_dict(state['optimizer'])
    assert torch.equal(train(second, wrapper, batches[4:]), expected[4:])
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name


def test_one_process_of_nccl_trains_as_none_does(tmp_path):
    batches = [batch(i) for i in range(4)]
    alone = small()
    expected = train(alone, wrap(alone), batches)
    store = f'file://{tmp_path}/store'
    dist.init_process_group('nccl', init_method=store, rank=0, world_size=1)
    try:
        model = MMDistributedDataParallel(small(), device_ids=[0])
        losses = train(model, wrap(model), batches)
        weights = model.module.state_dict()
    finally:
        dist.destroy_process_group()
    assert torch.equal(losses, expected)
    for name, value in alone.state_dict().items():
        assert torch.equal(weights[name], value), name
    assert next(iter(weights.values())).device.type == DEVICE
