"""QCS trained and tested through the tools, on a small tree of drawn faces."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from free_port import free_port

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'

pytestmark = pytest.mark.slow


def data_options(root):
    """Where the data lies, and loaders without workers."""
    return [
        option
        for split in ('train', 'val', 'test')
        for option in (
            f'{split}_dataloader.dataset.data_root={root}',
            f'{split}_dataloader.num_workers=0',
        )
    ]


@pytest.fixture(scope='module')
def sam_config(tmp_path_factory, rafdb_root):
    """The small config with SAM, and nothing random but the groups."""
    config = tmp_path_factory.mktemp('config') / 'small_sam.py'
    config.write_text(
        f'_base_ = {str(SMALL)!r}\n'
        'train_dataloader = dict(\n'
        '    batch_size=7,\n'
        '    dataset=dict(pipeline={{_base_.test_pipeline}}))\n'
        "optim_wrapper = dict(_delete_=True, type='mmqcs.SAMOptimWrapper',\n"
        "    optimizer=dict(type='Adam', lr=1e-3))\n"
        "param_scheduler = dict(_delete_=True, type='ExponentialLR', gamma=0.9)\n"
        "custom_hooks = [dict(type='mmqcs.SAMHook')]\n"
        'default_hooks = dict(logger=dict(interval=1), report=dict(enable=False),\n'
        '    checkpoint=dict(max_keep_ckpts=-1))\n'
        'train_cfg = dict(max_epochs=2, val_interval=1)\n'
    )
    return config


@pytest.fixture(scope='module')
def trained(run, sam_config, rafdb_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp('qcs')
    options = ['--cfg-options', *data_options(rafdb_root)]
    done = run('train.py', sam_config, '--work-dir', 'run', *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / 'run'


def weights(path):
    return torch.load(path, map_location='cpu', weights_only=False)['state_dict']


def records(work_dir, key='loss'):
    """Numbers that the newest run in a work dir logged."""
    log = sorted(work_dir.glob('*/vis_data/scalars.json'))[-1]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line[key] for line in lines if key in line]


def test_training_leaves_checkpoints_and_a_finite_log(trained):
    assert (trained / 'epoch_2.pth').is_file()
    assert list(trained.glob('best_accuracy_top1_*.pth'))
    assert len(records(trained)) == 8
    assert all(0 < loss < 20 for loss in records(trained))
    for key in ('loss_base', 'loss_cross', 'accuracy_base', 'accuracy_cross'):
        assert len(records(trained, key)) == 8


def test_testing_gives_metrics(run, trained, sam_config, rafdb_root):
    done = run(
        'test.py',
        sam_config,
        trained / 'epoch_2.pth',
        *('--work-dir', 'tested', '--out', 'metrics.json', '--out-item', 'metrics'),
        *('--cfg-options', *data_options(rafdb_root)),
        cwd=trained,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((trained / 'metrics.json').read_text())
    recalls = [v for k, v in metrics.items() if k.startswith('recall/')]
    assert len(recalls) == 7
    assert metrics['accuracy/mean_class'] == pytest.approx(sum(recalls) / 7)
    assert 0 <= metrics['accuracy/top1'] <= 100
    assert sum(map(sum, metrics['confusion_matrix/result'])) == 14


def test_cross_data_set_evaluation(run, trained, sam_config, tmp_path):
    """Trained on RAF-DB's seven classes, tested on AffectNet's eight."""
    tool = ROOT / 'tools/dataset_converters/synth_fer.py'
    sizes = ['--train', '8', '--test', '16', '--classes', '8', '--workers', '1']
    layout = ['--layout', 'affectnet', *sizes]
    subprocess.run([sys.executable, tool, tmp_path / 'data', *layout], check=True)
    done = run(
        'test.py',
        sam_config,
        trained / 'epoch_2.pth',
        *('--on', ROOT / 'configs/qcs/qcs_ir50_affectnet8.py'),
        *('--out', 'metrics.json', '--out-item', 'metrics'),
        *('--cfg-options', *data_options(tmp_path / 'data')),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    matrix = metrics['confusion_matrix/result']
    assert len(matrix) == 7
    assert [sum(row) for row in matrix] == [2] * 7  # contempt is left out
    assert 'recall/Happiness' in metrics
    name = f'{sam_config.stem}_on_qcs_ir50_affectnet8'
    assert [path.name for path in (tmp_path / 'work_dirs').iterdir()] == [name]


def test_a_resumed_run_ends_where_an_unbroken_one_does(
    run, trained, sam_config, rafdb_root, tmp_path
):
    checkpoint = trained / 'epoch_1.pth'
    options = ['--cfg-options', *data_options(rafdb_root)]
    arguments = ['--work-dir', 'run', '--resume', checkpoint]
    done = run('train.py', sam_config, *arguments, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = weights(trained / 'epoch_2.pth')
    for name, value in weights(tmp_path / 'run/epoch_2.pth').items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_amp_trains_sam_in_bfloat16(run, trained, sam_config, rafdb_root, tmp_path):
    options = ['--cfg-options', *data_options(rafdb_root), 'train_cfg.max_epochs=1']
    arguments = ['--work-dir', 'run', '--amp']
    done = run('train.py', sam_config, *arguments, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    single, mixed = records(trained)[:4], records(tmp_path / 'run')
    assert mixed != single
    assert mixed[0] == pytest.approx(single[0], rel=0.02)


def test_two_processes_train_as_one_model(run, sam_config, rafdb_root, tmp_path):
    options = ['--cfg-options', *data_options(rafdb_root), 'train_cfg.max_epochs=1']
    done = run(
        'dist_train.sh',
        sam_config,
        2,
        *('--work-dir', 'run'),
        *options,
        cwd=tmp_path,
        PORT=str(free_port()),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # 28 anchors, 7 a batch, shared by two processes
    assert len(records(tmp_path / 'run')) == 2
    assert not any('module.' in name for name in weights(tmp_path / 'run/epoch_1.pth'))


def test_the_group_loss_without_the_group_sampler(
    run, sam_config, rafdb_root, tmp_path
):
    config = tmp_path / 'wrong.py'
    config.write_text(
        f'_base_ = {str(sam_config)!r}\ntrain_dataloader = dict(batch_sampler=None)\n'
    )
    options = ['--cfg-options', *data_options(rafdb_root)]
    done = run('train.py', config, *options, cwd=tmp_path)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert 'not made of groups of 4' in last
    assert "batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler')" in last


def test_a_broken_image_ends_the_run_with_its_name(run, sam_config, tmp_path):
    tool = ROOT / 'tools/dataset_converters/synth_fer.py'
    sizes = ['--train', '14', '--test', '7', '--workers', '1']
    subprocess.run([sys.executable, tool, tmp_path / 'data', *sizes], check=True)
    broken = tmp_path / 'data/basic/Image/aligned/train_00003_aligned.jpg'
    broken.write_bytes(b'not a picture')
    options = ['--cfg-options', *data_options(tmp_path / 'data')]
    done = run('train.py', sam_config, *options, cwd=tmp_path)
    assert done.returncode != 0
    assert f'{broken}, cannot be used' in done.stderr


def test_missing_data_says_where_it_was_looked_for(run, tmp_path):
    done = run('train.py', SMALL, cwd=tmp_path)
    assert done.returncode != 0
    assert 'RAF-DB not found: set data_root' in done.stderr
    assert 'data/synthfer/basic/EmoLabel/list_patition_label.txt' in done.stderr
    assert 'Expected below data_root:' in done.stderr


def test_the_stock_tool_trains_it(sam_config, rafdb_root, tmp_path):
    """mmpretrain's own train.py, which knows nothing of mmqcs."""
    stock = Path(find_spec('mmpretrain').origin).parent / '.mim/tools/train.py'
    # The stock tool insists on persistent workers, so there must be workers.
    options = [
        o.replace('num_workers=0', 'num_workers=1') for o in data_options(rafdb_root)
    ]
    arguments = ['--work-dir', tmp_path / 'run', '--cfg-options', *options]
    done = subprocess.run(
        [sys.executable, stock, sam_config, *arguments, 'train_cfg.max_epochs=1'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert len(records(tmp_path / 'run')) == 4
