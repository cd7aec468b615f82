"""The programs of tools/visualization that look at runs and trained models."""

import json
import re
import sys

import cv2
import pytest
import torch
from tool_helpers import ROOT, check_error, load_tool

from mmqcs.cli.trained import by_group
from mmqcs.registry import MODELS
from mmqcs.runs.predictions import Predictions

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
PROGRAMS = ('csa_maps', 'attention_map', 'tsne')


@pytest.fixture(scope='module')
def qcs_config(tmp_path_factory, rafdb_root):
    """The small config on the drawn faces, one epoch of four iterations."""
    loaders = '\n'.join(
        f'{split}_dataloader = dict(num_workers=0, persistent_workers=False, '
        f'batch_size=7, dataset=dict(data_root={str(rafdb_root)!r}))'
        for split in ('train', 'val', 'test')
    )
    path = tmp_path_factory.mktemp('looking') / 'small.py'
    path.write_text(
        f'_base_ = {str(SMALL)!r}\n{loaders}\nmax_epochs = 1\n'
        "param_scheduler = dict(_delete_=True, type='ConstantLR')\n"
        'train_cfg = dict(max_epochs=1)\n'
        'default_hooks = dict(logger=dict(interval=1))\n'
    )
    return path


@pytest.fixture(scope='module')
def qcs_run(qcs_config, run):
    """Work dir of a training and a test."""
    folder = qcs_config.parent
    for args in (
        ['train.py', qcs_config],
        ['test.py', qcs_config, 'run/epoch_1.pth'],
    ):
        done = run(*args, '--work-dir', 'run', cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder / 'run'


def size_of(path):
    """(height, width) of a picture that is not blank."""
    picture = cv2.imread(str(path))
    assert picture.std() > 10
    return picture.shape[:2]


def succeed(run, name, *args, cwd):
    done = run(f'visualization/{name}.py', *args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_logs_what_the_curves_need_and_leaves_a_report(run, qcs_run, tmp_path):
    lines = next(qcs_run.glob('*/vis_data/scalars.json')).read_text().splitlines()
    record = json.loads(lines[0])
    assert {'ce_base/anchor', 'ce_cross/second_negative', 'theta/level_3'} <= set(
        record
    )
    log = min(qcs_run.glob('*/*.log')).read_text()  # the training came first
    assert 'loss_cross: ' in log and 'ce_base/anchor: ' not in log

    report = (qcs_run / 'report.html').read_text()
    for title in ('Best epoch', 'Confusion matrix of the test of epoch_1.pth'):
        assert title in report
    tested = [
        Predictions.load(path)
        for path in qcs_run.glob('*/predictions.npz')
        if json.loads((path.parent / 'run.json').read_text())['kind'] == 'test'
    ]
    logged = [json.loads(p.read_text()) for p in qcs_run.glob('*/20*.json')]
    matrix = logged[0]['confusion_matrix/result']
    assert tested[0].confusion_matrix().tolist() == matrix

    succeed(run, 'plot_curves', qcs_run, cwd=tmp_path)
    assert size_of(qcs_run / 'curves.png')[0] > 600  # two rows of panels


@pytest.mark.slow
def test_csa_maps(run, qcs_config, qcs_run, tmp_path, monkeypatch):
    checkpoint = qcs_run / 'epoch_1.pth'
    succeed(run, 'csa_maps', qcs_config, checkpoint, '--groups', 2, cwd=tmp_path)
    height, width = size_of(tmp_path / 'csa_maps.png')
    assert height > width  # two rows a group, four faces each
    monkeypatch.chdir(tmp_path)
    args = ['--split', 'train', '--level', 2, '--squares', '--out', 'x.svg']
    start(monkeypatch, 'csa_maps', qcs_config, checkpoint, *args)
    assert (tmp_path / 'x.svg').read_text().count('<image') >= 24  # three groups


def test_a_group_is_a_row_of_faces_and_a_row_of_weights():
    # three branches, two groups
    assert ''.join(by_group(['abcdef', 'uvwxyz'], 3)) == 'aceuwybdfvxz'


@pytest.mark.slow
def test_attention_map(run, qcs_config, qcs_run, rafdb_root, tmp_path):
    images = sorted(rafdb_root.rglob('test_*.jpg'))[:2]
    args = [qcs_config, qcs_run / 'epoch_1.pth', *images, '--class', 'Fear']
    out = succeed(run, 'attention_map', *args, cwd=tmp_path)
    size_of(tmp_path / 'attention_map.png')
    assert len(re.findall(r'[01]\.\d{3}', out)) == 3


@pytest.mark.slow
def test_tsne(run, qcs_config, qcs_run, tmp_path):
    args = [qcs_config, qcs_run / 'epoch_1.pth']
    more = ['--samples', 12, '--perplexity', 3, '--split', 'train']
    succeed(run, 'tsne', *args, *more, cwd=tmp_path)
    size_of(tmp_path / 'tsne.png')


def start(monkeypatch, name, *args):
    tool = load_tool(f'visualization/{name}')
    monkeypatch.setattr(sys, 'argv', [f'{name}.py', *map(str, args)])
    tool.main()


@pytest.fixture
def weights(qcs_config, tmp_path, monkeypatch):
    """Random weights of the small model, in a folder of their own."""
    from mmengine import Config

    monkeypatch.chdir(tmp_path)
    model = MODELS.build(Config.fromfile(qcs_config).model)
    torch.save({'state_dict': model.state_dict()}, 'weights.pth')
    return qcs_config


def fails(monkeypatch, capsys, message, *args):
    with pytest.raises(SystemExit) as stop:
        start(monkeypatch, *args)
    lines = capsys.readouterr().err.splitlines(keepends=True)
    check_error(stop.value, lines[-1], message)  # after what is logged


ERRORS = [
    ('csa_maps', ['--groups', 0], '--groups: must be at least 1'),
    ('csa_maps', ['--level', 4], '--level must be from 1 to 3, got 4'),
    ('csa_maps', ['--out', 'x.gif'], '.svg'),
    (
        'csa_maps',
        ['--cfg-options', 'train_dataloader.batch_sampler=None'],
        'has no groups',
    ),
    ('csa_maps', ['--cfg-options', 'test_dataloader=None'], 'no test_dataloader'),
    (
        'csa_maps',
        ['--cfg-options', 'test_dataloader.dataset.data_root=gone'],
        'RAF-DB not found',
    ),
    (
        'csa_maps',
        ['--cfg-options', 'model.cross.attention.mode=SDPA'],
        'is unknown',
    ),
    ('attention_map', ['gone.jpg'], 'image not found: gone.jpg'),
    ('attention_map', ['weights.pth'], 'weights.pth cannot be used as an image'),
    ('tsne', ['--samples', 1], '--samples: must be at least 2'),
    ('tsne', ['--samples', 5], 'perplexity must be between 0 and the number'),
    ('tsne', ['--cfg-options', 'test_dataloader=None'], 'no test_dataloader'),
]


@pytest.mark.parametrize(('name', 'args', 'message'), ERRORS)
def test_bad_input_is_one_line(weights, monkeypatch, capsys, name, args, message):
    if 'RAF-DB' in message:
        with pytest.raises(SystemExit):
            start(monkeypatch, name, weights, 'weights.pth', *args)
        assert message in capsys.readouterr().err  # with the tree that is expected
        return
    fails(monkeypatch, capsys, message, name, weights, 'weights.pth', *args)


@pytest.mark.parametrize('name', PROGRAMS)
def test_missing_and_wrong_checkpoints(weights, monkeypatch, capsys, name, rafdb_root):
    image = [next(rafdb_root.rglob('*.jpg'))] if name == 'attention_map' else []
    fails(monkeypatch, capsys, 'checkpoint not found', name, weights, 'x.pth', *image)
    state = torch.load('weights.pth', weights_only=True)['state_dict']
    torch.save({k: v for k, v in state.items() if 'head' not in k}, 'part.pth')
    message = 'head.gate.0.weight is missing'
    fails(monkeypatch, capsys, message, name, weights, 'part.pth', *image)
    state['head.fc.weight'] = torch.zeros(8, 96)
    torch.save(state, 'eight.pth')
    fails(monkeypatch, capsys, 'head.fc.weight', name, weights, 'eight.pth', *image)


def test_a_published_checkpoint_lacks_the_cross_branch(
    weights, monkeypatch, capsys, rafdb_root
):
    state = torch.load('weights.pth', weights_only=True)['state_dict']
    state = {f'module.{k}': v for k, v in state.items() if not k.startswith('cross')}
    torch.save({'state_dict': state}, 'base.pth')
    fails(
        monkeypatch, capsys, 'lacks the cross branch', 'csa_maps', weights, 'base.pth'
    )
    image = next(rafdb_root.rglob('*.jpg'))
    start(monkeypatch, 'attention_map', weights, 'base.pth', image)
    assert 'written to attention_map.png' in capsys.readouterr().out
    message = '--class must be one of Surprise, Fear, '
    args = 'attention_map', weights, 'base.pth', image, '--class', 'Joy'
    fails(monkeypatch, capsys, message, *args)


def test_runs_without_curves(tmp_path, monkeypatch, capsys):
    fails(monkeypatch, capsys, 'no training run in', 'plot_curves', tmp_path)
    scalars = tmp_path / '1/vis_data/scalars.json'
    scalars.parent.mkdir(parents=True)
    scalars.write_text('{"accuracy/top1": 3, "step": 1}')
    fails(monkeypatch, capsys, 'no training record', 'plot_curves', tmp_path)
    scalars.write_text('{"loss"')
    fails(monkeypatch, capsys, 'scalars.json:1 is not a JSON', 'plot_curves', scalars)
    scalars.write_text('{"loss": 1, "step": 1}')
    args = 'plot_curves', scalars, '--out', scalars / 'x.png'
    fails(monkeypatch, capsys, 'cannot write', *args)
