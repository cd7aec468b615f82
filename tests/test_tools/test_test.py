"""tools/test.py, run as a user runs it."""

import json
import pickle

import pytest
from tool_helpers import ROOT, check_error, load_tool, merged

test = load_tool('test')
RAF = ROOT / 'configs/qcs/qcs_ir50_raf.py'


@pytest.mark.slow
def test_test_writes_metrics(toy_config, trained, run, tmp_path):
    out = ('--out', 'out/metrics.json', '--out-item', 'metrics')
    checkpoint = trained / 'epoch_1.pth'
    done = run('test.py', toy_config, checkpoint, '--amp', *out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert {'accuracy/top1', 'accuracy/mean_class', 'recall/Fear'} <= set(metrics)
    work_dir = tmp_path / 'work_dirs' / 'toy'
    assert sum(map(sum, metrics['confusion_matrix/result'])) == 6
    (logged,) = work_dir.glob('*/*.json')
    assert json.loads(logged.read_text())['accuracy/top1'] == metrics['accuracy/top1']


@pytest.mark.slow
def test_tta_averages_the_scores_of_the_mirror_image(
    toy_config, trained, run, tmp_path
):
    scores = []
    for args in ([], ['--tta']):
        out = ('--out', 'pred.pkl', *args)
        done = run('test.py', toy_config, trained / 'epoch_1.pth', *out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        predictions = pickle.loads((tmp_path / 'pred.pkl').read_bytes())
        scores.append([item['pred_score'].tolist() for item in predictions])
    assert len(scores[0]) == len(scores[1]) == 6
    assert scores[0] != scores[1]


@pytest.mark.slow
def test_show_dir(toy_config, trained, run, tmp_path):
    args = ('--show-dir', tmp_path / 'drawn', '--interval', 2, '--fuse-conv-bn')
    checkpoint = trained / 'epoch_1.pth'
    done = run('test.py', toy_config, checkpoint, *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / 'drawn').rglob('*.png'))


def test_test_amp_autocasts_without_test_cfg(toy, monkeypatch):
    assert merged(test, monkeypatch, toy, 'weights.pth', '--amp').test_cfg.fp16 is True


@pytest.mark.parametrize('name', ['DeepSpeedStrategy', 'FSDPStrategy'])
def test_sharded_models_are_refused(toy, monkeypatch, capsys, name):
    options = '--cfg-options', 'runner_type=FlexibleRunner', f'strategy.type={name}'
    with pytest.raises(SystemExit) as stop:
        merged(test, monkeypatch, toy, 'weights.pth', *options)
    error = capsys.readouterr().err
    check_error(stop.value, error, f"strategy.type='{name}' is not supported")


def test_fuse_conv_bn_adds_its_hook(toy, monkeypatch):
    config = merged(test, monkeypatch, toy, 'weights.pth', '--fuse-conv-bn')
    assert config.custom_hooks[-1] == dict(type='mmqcs.FuseConvBNHook')


TEST_ERRORS = [
    (['missing.pth'], 'checkpoint not found: missing.pth'),
    (['weights.pth', '--out-item', 'pred'], '--out-item needs --out'),
    (['weights.pth', '--out', 'pred.json'], 'ending with .pkl or .pickle'),
    (['weights.pth', '--tta', '--show-dir', 'x'], 'cannot be combined'),
    (['weights.pth', '--cfg-options', 'test_dataloader=None'], 'no test_dataloader'),
    (['weights.pth', '--on', 'missing.py'], 'config file not found: missing.py'),
    (['weights.pth', '--on', str(RAF)], 'does not'),
    (
        ['weights.pth', '--show', '--cfg-options', 'default_hooks.visualization=None'],
        'need default_hooks.visualization',
    ),
]


@pytest.mark.parametrize(('args', 'message'), TEST_ERRORS)
def test_test_errors(toy, monkeypatch, capsys, args, message):
    with pytest.raises(SystemExit) as stop:
        merged(test, monkeypatch, toy, *args)
    check_error(stop.value, capsys.readouterr().err, message)
