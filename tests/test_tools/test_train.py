"""tools/train.py, run as a user runs it."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from tool_helpers import ROOT, check_error, epochs, load_tool, merged

from mmqcs.cli import launch

train = load_tool('train')


@pytest.mark.slow
def test_train_validates_and_keeps_the_best_checkpoint(trained):
    assert epochs(trained) == [1, 1, 1]  # 12 images in batches of 4
    assert (trained / 'epoch_1.pth').is_file()
    assert list(trained.glob('best_accuracy_mean_class_*.pth'))


@pytest.mark.slow
def test_resume_goes_on_with_the_next_epoch(toy_config, trained, run, tmp_path):
    (tmp_path / 'run').mkdir()
    checkpoint = tmp_path / 'run' / 'epoch_1.pth'
    checkpoint.write_bytes((trained / 'epoch_1.pth').read_bytes())
    (tmp_path / 'run' / 'last_checkpoint').write_text(str(checkpoint))
    options = ('--work-dir', 'run', '--cfg-options', 'train_cfg.max_epochs=2')
    done = run('train.py', toy_config, '--resume', *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert epochs(tmp_path / 'run') == [2, 2, 2]
    # HistoryBuffers in the checkpoint must not need arbitrary unpickling
    assert 'weights_only' not in done.stdout + done.stderr


@pytest.mark.slow
def test_amp_keeps_sam_and_runs_on_the_cpu(toy_config, run, tmp_path):
    config = tmp_path / 'sam.py'
    config.write_text(
        f'_base_ = {str(toy_config)!r}\n'
        "optim_wrapper = dict(type='mmqcs.SAMOptimWrapper', rho=0.05)\n"
        "custom_hooks = [dict(type='mmqcs.SAMHook')]\n"
    )
    done = run('train.py', config, '--amp', '--no-validate', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    saved = Config.fromfile(tmp_path / 'work_dirs' / 'sam' / 'sam.py')
    assert saved.optim_wrapper.type == 'mmqcs.SAMAmpOptimWrapper'


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (None, 'mmqcs.AutocastOptimWrapper'),
        ('OptimWrapper', 'mmqcs.AutocastOptimWrapper'),
        ('mmengine.OptimWrapper', 'mmqcs.AutocastOptimWrapper'),
        ('mmqcs.SAMOptimWrapper', 'mmqcs.SAMAmpOptimWrapper'),
        ('mmqcs.SAMAmpOptimWrapper', 'mmqcs.SAMAmpOptimWrapper'),
        ('AmpOptimWrapper', 'AmpOptimWrapper'),
    ],
)
def test_amp_wrapper(toy, monkeypatch, given, expected):
    options = ['--cfg-options', f'optim_wrapper.type={given}'] if given else []
    config = merged(train, monkeypatch, toy, '--amp', *options)
    assert config.optim_wrapper.type == expected


def test_amp_with_a_class_as_type():
    config = Config({'optim_wrapper': {'type': OptimWrapper}})
    train.use_amp(config)
    assert config.optim_wrapper.type == 'mmqcs.AutocastOptimWrapper'


def test_data_loader_defaults(toy, monkeypatch):
    monkeypatch.setattr(launch, 'get_device', lambda: 'cpu')
    loader = merged(train, monkeypatch, toy).train_dataloader
    # the config says persistent_workers=True, which torch refuses without workers
    assert (loader.pin_memory, loader.persistent_workers) == (False, False)
    assert loader.collate_fn == {'type': 'default_collate'}

    monkeypatch.setattr(launch, 'get_device', lambda: 'cuda')
    workers = ('--cfg-options', 'train_dataloader.num_workers=2')
    loader = merged(train, monkeypatch, toy, *workers).train_dataloader
    assert (loader.pin_memory, loader.persistent_workers) == (True, True)

    off = ('--no-pin-memory', '--no-persistent-workers')
    loader = merged(train, monkeypatch, toy, *workers, *off).train_dataloader
    assert (loader.pin_memory, loader.persistent_workers) == (False, False)


def test_train_arguments(toy, monkeypatch):
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':16:8')
    hub = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    meta = dict(epoch=1, iter=3)
    start = dict(state_dict={}, optimizer={}, message_hub=hub, meta=meta)
    torch.save(start, 'start.pth')
    args = ('--seed', 7, '--deterministic', '--no-validate', '--resume', 'start.pth')
    config = merged(train, monkeypatch, toy, *args)
    assert config.randomness == {'seed': 7, 'deterministic': True}
    assert config.val_dataloader is None
    assert (config.resume, config.load_from) == (True, 'start.pth')
    assert Path(config.work_dir) == Path('work_dirs/toy')

    config = merged(train, monkeypatch, toy, '--resume', '--work-dir', 'elsewhere')
    assert (config.resume, config.load_from) == (False, None)  # no checkpoint there
    assert config.work_dir == 'elsewhere'
    assert config.randomness == {'seed': 0}

    base = ('--cfg-options', 'auto_scale_lr.base_batch_size=64')
    config = merged(train, monkeypatch, toy, '--auto-scale-lr', *base)
    assert config.auto_scale_lr == {'base_batch_size': 64, 'enable': True}


TRAIN_ERRORS = [
    ('missing.py', [], 'config file not found: missing.py'),
    (None, ['--cfg-options', 'word'], "expected key=value pairs, got 'word'"),
    (None, ['--cfg-options', 'train_pipeline.9.type=X'], 'do not fit'),
    (None, ['--cfg-options', 'optim_wrapper.optimizer.lr.x=1'], 'do not fit'),
    (None, ['--resume', 'missing.pth'], 'checkpoint not found: missing.pth'),
    (None, ['--cfg-options', 'load_from=no.pth'], 'checkpoint not found: no.pth'),
    (None, ['--auto-scale-lr'], 'needs auto_scale_lr'),
    (None, ['--amp', '--cfg-options', 'optim_wrapper.type=Other'], "type='Other'"),
    (None, ['--seed', 'x'], 'argument --seed'),
]


@pytest.mark.parametrize(('config', 'args', 'message'), TRAIN_ERRORS)
def test_train_errors(toy, monkeypatch, capsys, config, args, message):
    with pytest.raises(SystemExit) as stop:
        merged(train, monkeypatch, config or toy, *args)
    check_error(stop.value, capsys.readouterr().err, message)


def test_error_of_the_program_itself(run, tmp_path):
    done = run('train.py', 'missing.py', cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith('mmqcs: config file not found')
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    'option', ['strategy.type=DeepSpeedStrategy', 'strategy.type=mmengine.FSDPStrategy']
)
def test_sharded_training_is_refused(toy, monkeypatch, capsys, option):
    arguments = '--cfg-options', 'runner_type=FlexibleRunner', option
    with pytest.raises(SystemExit) as stop:
        merged(train, monkeypatch, toy, *arguments)
    name = option.rpartition('.')[2].removeprefix('type=')
    error = capsys.readouterr().err
    check_error(stop.value, error, f'strategy.type={name!r} is not supported')
    assert 'tools/dist_train.sh' in error


def test_compile(toy, monkeypatch):
    small = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
    config = merged(train, monkeypatch, small, '--compile')
    assert config.model.compile is True
    stock = merged(train, monkeypatch, toy, '--compile')
    hook = {'type': 'mmqcs.CompileHook'}
    assert hook in stock.custom_hooks and hook not in config.custom_hooks
    assert 'compile' not in stock.model
