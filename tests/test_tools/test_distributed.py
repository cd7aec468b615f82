"""Several processes on a machine without an accelerator."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from free_port import free_port
from mmengine.config import Config
from tool_helpers import check_error, epochs

from mmqcs.cli import launch
from mmqcs.runs.predictions import Predictions

SPLITS = 'train', 'val', 'test'


@pytest.mark.slow
def test_two_processes_without_gpu(toy_config, run, tmp_path):
    """Odd names test the quoting of the shell scripts."""
    work_dir = tmp_path / 'a work dir'
    port = {'PORT': str(free_port()), 'PYTHONFAULTHANDLER': '1'}
    config = tmp_path / 'two words.py'
    config.write_text(
        f'_base_ = {str(toy_config)!r}\n'
        'custom_hooks = [dict(type="SyncBuffersHook"), dict(type="mmqcs.ReportHook")]\n'
    )
    options = ('--work-dir', work_dir)
    done = run('dist_train.sh', config, 2, *options, cwd=tmp_path, **port)
    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    assert text.count('2 processes train or test on the CPU') == 1
    assert epochs(work_dir) == [1, 1]  # 6 images a process in batches of 4

    (best,) = work_dir.glob('best_*.pth')
    out = ('--out', 'metrics.json', '--out-item', 'metrics')
    args = (config, best, 2, *options, *out)
    done = run('dist_test.sh', *args, cwd=tmp_path, **port)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert sum(map(sum, metrics['confusion_matrix/result'])) == 6
    log = work_dir.rglob('scalars.json')
    validated = json.loads(next(log).read_text().splitlines()[-1])
    assert validated['accuracy/top1'] == metrics['accuracy/top1']

    for path in work_dir.glob('*/predictions.npz'):  # of the training, of the test
        assert json.loads((path.parent / 'run.json').read_text())['processes'] == 2
        predictions = Predictions.load(path)
        assert sorted(predictions.indices) == list(range(6))  # of both processes
        assert predictions.accuracy == pytest.approx(metrics['accuracy/top1'])
    assert 'Confusion matrix of the test' in (work_dir / 'report.html').read_text()


@pytest.mark.slow
def test_compilation_in_two_processes(rafdb_root, run, tmp_path):
    """Compiled parts, mixed precision, SAM and data parallelism."""
    config = tmp_path / 'config.py'
    base = str(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    config.write_text(
        f'_base_ = {base!r}\n'
        "optim_wrapper = dict(_delete_=True, type='mmqcs.SAMOptimWrapper',\n"
        "    optimizer=dict(type='Adam', lr=1e-3, fused=True))\n"
        "custom_hooks = [dict(type='mmqcs.SAMHook'), dict(type='SyncBuffersHook')]\n"
        'model = dict(backbone=dict(depth=(1, 1, 1)))\n'
        'max_epochs = 1\n'
        "param_scheduler = dict(_delete_=True, type='ConstantLR')\n"
        'train_cfg = dict(max_epochs=1)\n'
        'default_hooks = dict(logger=dict(interval=1), report=dict(enable=False))\n'
    )
    options = [f'{s}_dataloader.dataset.data_root={rafdb_root}' for s in SPLITS]
    options += [f'{s}_dataloader.num_workers=0' for s in SPLITS]
    options += ['train_dataloader.batch_size=7', 'model.compile=True']
    arguments = '--amp', '--no-validate', '--work-dir', 'run'
    arguments += ('--cfg-options', *options)
    port = {'PORT': str(free_port())}
    done = run('dist_train.sh', config, 2, *arguments, cwd=tmp_path, **port)
    assert done.returncode == 0, done.stderr
    assert "WON'T CONVERT" not in done.stderr
    lines = next((tmp_path / 'run').rglob('scalars.json')).read_text().splitlines()
    losses = [record['loss'] for record in map(json.loads, lines) if 'loss' in record]
    assert len(losses) == 2  # 14 anchors a process
    assert all(0 < loss < 10 for loss in losses)


@pytest.mark.slow
def test_two_machines(toy_config, tmp_path):
    """One process on each; both run on this one and meet at its port."""
    script = ROOT / 'tools/dist_train.sh'
    env = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1'}
    env |= {'NNODES': '2', 'MASTER_ADDR': '127.0.0.1', 'PORT': str(free_port())}
    env['PATH'] = os.pathsep.join((str(Path(sys.executable).parent), env['PATH']))
    machines = [
        subprocess.Popen(
            ['bash', script, toy_config, '1', '--work-dir', 'run', '--no-validate'],
            cwd=tmp_path,
            env={**env, 'NODE_RANK': str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        texts = [machine.communicate(timeout=120)[0] for machine in machines]
    finally:
        for machine in machines:
            machine.kill()
    assert [machine.returncode for machine in machines] == [0, 0], texts
    assert '2 processes train or test on the CPU' in texts[0]
    assert epochs(tmp_path / 'run') == [1, 1]  # 6 images a process in batches of 4


def test_model_wrapper_of_the_config_is_kept(monkeypatch):
    made = []
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setenv('LOCAL_RANK', '1')
    fake = SimpleNamespace(
        init_process_group=lambda backend, timeout: made.append((backend, timeout)),
        get_rank=lambda: 1,
    )
    monkeypatch.setattr(launch, 'dist', fake)
    config = Config(
        {
            'env_cfg': {'dist_cfg': {'backend': 'nccl', 'timeout': 60}},
            'model_wrapper_cfg': {'type': 'Other', 'find_unused_parameters': True},
        }
    )
    launch.prepare_distributed(config, 'pytorch', local_rank=0)
    ((backend, timeout),) = made
    assert (backend, timeout.total_seconds()) == ('gloo', 60)
    assert config.model_wrapper_cfg == {
        'type': 'Other',
        'find_unused_parameters': True,
        'broadcast_buffers': False,
        'device_ids': None,
    }


def test_the_strategy_of_a_flexible_runner_uses_no_device_either(monkeypatch):
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setenv('LOCAL_RANK', '1')
    fake = SimpleNamespace(init_process_group=lambda *_, **__: None, get_rank=lambda: 1)
    monkeypatch.setattr(launch, 'dist', fake)
    config = Config({'runner_type': 'FlexibleRunner', 'strategy': None})
    launch.prepare_distributed(config, 'pytorch', local_rank=0)
    assert config.strategy.type == 'DDPStrategy'
    assert config.strategy.model_wrapper == config.model_wrapper_cfg
    assert config.strategy.model_wrapper.device_ids is None

    wrapper = {'broadcast_buffers': True, 'device_ids': [1]}
    config.strategy = {'type': 'DDPStrategy', 'model_wrapper': wrapper}
    launch.prepare_distributed(config, 'pytorch', local_rank=0)
    assert config.strategy.model_wrapper.broadcast_buffers
    assert config.strategy.model_wrapper.device_ids is None


def test_nothing_changes_with_an_accelerator(monkeypatch):
    monkeypatch.setattr(launch, 'get_device', lambda: 'cuda')
    monkeypatch.setenv('LOCAL_RANK', '0')
    config = Config({'env_cfg': {'dist_cfg': {'backend': 'nccl'}}})
    launch.prepare_distributed(config, 'slurm', local_rank=0)
    assert config.to_dict() == {
        'env_cfg': {'dist_cfg': {'backend': 'nccl'}},
        'launcher': 'slurm',
    }


@pytest.mark.parametrize(
    ('launcher', 'message'),
    [('pytorch', 'torchrun'), ('slurm', 'needs an accelerator')],
)
def test_launcher_errors(monkeypatch, capsys, launcher, message):
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    with pytest.raises(SystemExit) as stop:
        launch.prepare_distributed(Config(), launcher, local_rank=0)
    check_error(stop.value, capsys.readouterr().err, message)
