"""tools/model_converters, and how training and testing take checkpoints."""

import os
import pickle

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.runner import CheckpointLoader
from published_case import (
    Bomb,
    backbone_state,
    new_names,
    published_state,
    write_published,
)
from reference_case import DATA, images, weights
from tool_helpers import check_error, load_tool, merged

from mmqcs.checkpoints import load_classifier
from mmqcs.checkpoints.compact import CLASSIFIER
from mmqcs.cli import launch
from mmqcs.models import IRNet

converter = load_tool('model_converters/reference_to_mmqcs')
publisher = load_tool('model_converters/publish_model')


def test_conversion(call, tmp_path):
    source = write_published(tmp_path / 'raf.pth', new_names(published_state()))
    out = call(converter, source, tmp_path / 'new' / 'qcs.pth')
    assert 'qcs_ir50_raf, 395 weights, 34 unused weights dropped' in out
    assert 'best accuracy 92.50 %' in out
    loaded = torch.load(tmp_path / 'new' / 'qcs.pth', weights_only=True)
    assert loaded['meta']['dataset_meta']['classes'][3] == 'Happiness'
    assert len(loaded['meta']['source']['sha256']) == 64


def test_conversion_by_config_and_recipe(call, tmp_path):
    state = published_state('pair', 8)
    source = write_published(tmp_path / 'dcs.pth', state, best_acc=12.0)
    target = tmp_path / 'out.pth'
    choice = 'name it by --recipe dcs_ir50_ferplus or dcs_ir50_affectnet8'
    call(converter, source, target, error=choice)
    assert not target.exists()
    assert 'dcs_ir50_ferplus' in call(
        converter, source, target, '--recipe', 'dcs_ir50_ferplus'
    )
    classes = torch.load(target, weights_only=True)['meta']['dataset_meta']['classes']
    assert classes[4] == 'Anger'

    config = tmp_path / 'eight.py'
    names = tuple('abcdefgh')
    config.write_text(
        f'_base_ = {str(ROOT / "configs/qcs/dcs_ir50_raf.py")!r}\n'
        'model = dict(head=dict(num_classes=8), '
        'cross=dict(head=dict(num_classes=8)))\n'
        f'test_dataloader = dict(dataset=dict(metainfo=dict(classes={names})))\n'
    )
    assert 'eight, 392 weights' in call(converter, source, target, '--config', config)
    assert torch.load(target, weights_only=True)['meta']['dataset_meta'] == {
        'classes': names
    }
    qcs = ROOT / 'configs/qcs/qcs_ir50_ferplus.py'
    call(converter, source, target, '--config', qcs, error='(3 of ')
    raf = ROOT / 'configs/qcs/dcs_ir50_raf.py'
    call(converter, source, target, '--config', raf, error='another number of classes')


def test_conversion_errors(call, tmp_path):
    source = write_published(tmp_path / 'a.pth', published_state())
    call(converter, source, source, error='would be overwritten')
    call(converter, source, tmp_path, error='is a folder')
    call(converter, tmp_path / 'no.pth', tmp_path / 'b.pth', error='is not a file')
    content = source.read_bytes()
    source.write_bytes(content[:-500])
    call(converter, source, tmp_path / 'b.pth', error='truncated')
    torch.save({'state_dict': {'fc.weight': torch.zeros(2)}}, source)
    call(converter, source, tmp_path / 'b.pth', error='published QCS or DCS')
    torch.save({'state_dict': Bomb(os.system, f'touch {tmp_path}/mark')}, source)
    call(converter, source, tmp_path / 'b.pth', error='it asks to call')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.pth']


def test_converted_backbone_initialises_irnet(call, tmp_path):
    state = backbone_state(flat=True)
    state['body.20.res_layer.3.weight'] = torch.rand(256, 256, 3, 3)
    torch.save(state, tmp_path / 'ir50.pth')
    target = tmp_path / 'out.pth'
    assert 'ir50, 292 weights' in call(converter, tmp_path / 'ir50.pth', target)
    init = dict(type='Pretrained', checkpoint=str(target))
    model = IRNet(50, init_cfg=init)
    model.init_weights()
    loaded = model.stages[2][13].residual[3].weight
    assert torch.equal(loaded, state['body.20.res_layer.3.weight'])
    assert not model.stem[0].weight.any()


@pytest.mark.slow
def test_published_run_end_to_end(run, tmp_path):
    """Full size: converted, published, and with the reference's logits."""
    state = {f'module.{k}': v for k, v in weights('qcs_raf_keys.json').items()}
    source = write_published(tmp_path / 'raf.pth', state)
    args = (source, tmp_path / 'qcs.pth')
    done = run('model_converters/reference_to_mmqcs.py', *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    source.unlink()
    args = (tmp_path / 'qcs.pth', tmp_path / 'inference.pth')
    done = run('model_converters/publish_model.py', *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob('inference-????????.pth')

    model = load_classifier(path, device='cpu').model
    with torch.no_grad():
        logits = model(images(4)[:2])
    expected = np.load(DATA / 'qcs_raf.npz')['eval_logits']
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.slow
def test_checkpoint_of_a_training_run(trained, call, tmp_path):
    out = call(publisher, trained / 'epoch_1.pth', tmp_path / 'toy.pth')
    (path,) = tmp_path.glob('toy-????????.pth')
    assert str(path) in out
    loaded = torch.load(path, weights_only=True)
    assert loaded['meta']['dataset_meta']['classes'] == ('Surprise', 'Fear', 'Disgust')
    assert loaded.keys() == {'meta', 'state_dict'}


@pytest.mark.slow
def test_adjusted_logits(toy_config, trained, call, tmp_path, monkeypatch):
    counts = {'Disgust': 1, 'Surprise': 6, 'Fear': 3}
    monkeypatch.setattr(publisher, 'class_counts', lambda dataset: counts)
    source = trained / 'epoch_1.pth'
    options = '--config', toy_config, '--adjust-logits', 0.5
    call(publisher, source, tmp_path / 'toy.pth', *options)
    (path,) = tmp_path.glob('toy-*.pth')
    before, after = (torch.load(x, weights_only=False) for x in (source, path))
    assert after['meta']['dataset_meta']['classes'] == ('Surprise', 'Fear', 'Disgust')
    change = after['state_dict'][CLASSIFIER] - before['state_dict'][CLASSIFIER]
    shares = torch.tensor([0.6, 0.3, 0.1])
    torch.testing.assert_close(change, -0.5 * shares.log())

    counts['Contempt'] = counts.pop('Fear')
    error = 'have Disgust, Surprise, Contempt'
    call(publisher, source, tmp_path / 'b.pth', *options, error=error)
    error = 'needs --config'
    call(publisher, source, tmp_path / 'b.pth', '--adjust-logits', 1, error=error)


def test_publish_errors(call, tmp_path):
    source = tmp_path / 'a.pth'
    source.write_text('text')
    call(publisher, source, tmp_path / 'b.pth', error='a text file')
    torch.save({'meta': {}}, source)
    call(publisher, source, tmp_path / 'b.pth', error='no state_dict of tensors')
    write_published(source, {'a': torch.zeros(1)})
    call(publisher, source, tmp_path / 'b', error='must end in .pth')
    torch.save({'meta': {'x': np.ones(2)}, 'state_dict': {'a': torch.ones(1)}}, source)
    call(publisher, source, tmp_path / 'b.pth', error='more than numbers')


def test_check_checkpoint_names_what_is_foreign(tmp_path, capsys):
    path = write_published(tmp_path / 'a.pth', {}, best_acc=np.float64(92.5))
    with pytest.raises(SystemExit) as stop:
        launch.check_checkpoint(str(path))
    error = capsys.readouterr().err
    check_error(stop.value, error, 'holds more than weights: ')
    assert '__main__.RecorderMeter' in error
    assert '--trust-checkpoint' in error
    assert 'reference_to_mmqcs.py' in error
    launch.check_checkpoint(str(path), trust=True)
    path.write_bytes(path.read_bytes()[:300])
    for trust in (False, True):
        with pytest.raises(SystemExit) as stop:
            launch.check_checkpoint(str(path), trust)
        check_error(stop.value, capsys.readouterr().err, 'truncated')


@pytest.mark.parametrize(
    ('tool', 'args'),
    [
        ('test', ['bomb.pth']),
        ('train', ['--resume', 'bomb.pth']),
        ('train', ['--cfg-options', 'load_from=bomb.pth']),
        (
            'train',
            [
                '--cfg-options',
                'model.backbone.init_cfg.type=Pretrained',
                'model.backbone.init_cfg.checkpoint=bomb.pth',
            ],
        ),
    ],
)
def test_programs_refuse_foreign_objects(
    toy, tmp_path, monkeypatch, capsys, tool, args
):
    torch.save(training_with(Bomb(os.system, f'touch {tmp_path}/mark')), 'bomb.pth')
    program = load_tool(tool)
    with pytest.raises(SystemExit) as stop:
        merged(program, monkeypatch, toy, *args)
    check_error(stop.value, capsys.readouterr().err, 'bomb.pth holds more than weights')
    assert not (tmp_path / 'mark').exists()
    merged(program, monkeypatch, toy, *args, '--trust-checkpoint')


def training_with(extra):
    """What a training can be resumed from, and something else."""
    hub = {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}}
    parts = {'state_dict': {}, 'message_hub': hub, 'optimizer': {}}
    return {'meta': {'epoch': 1, 'iter': 2}, **parts, 'extra': extra}


def test_a_foreign_object_in_the_newest_checkpoint_of_a_run(
    toy, tmp_path, monkeypatch, capsys
):
    (tmp_path / 'run').mkdir()
    bomb = Bomb(os.system, f'touch {tmp_path}/mark')
    torch.save(training_with(bomb), 'run/epoch_1.pth')
    program, args = load_tool('train'), ('--resume', '--work-dir', 'run')
    with pytest.raises(SystemExit):
        merged(program, monkeypatch, toy, *args)
    assert 'epoch_1.pth holds more than weights' in capsys.readouterr().err
    assert not (tmp_path / 'mark').exists()
    config = merged(program, monkeypatch, toy, *args, '--trust-checkpoint')
    assert config.load_from.endswith('epoch_1.pth')


@pytest.mark.slow
def test_a_trusted_checkpoint_is_loaded(toy_config, trained, run, tmp_path):
    checkpoint = torch.load(trained / 'epoch_1.pth', weights_only=False)
    checkpoint['extra'] = Bomb(os.mkdir, str(tmp_path / 'mark'))
    torch.save(checkpoint, tmp_path / 'a.pth')
    args = (toy_config, tmp_path / 'a.pth', '--trust-checkpoint')
    done = run('test.py', *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'mark').is_dir()


@pytest.mark.parametrize('trust', [False, True])
def test_what_was_not_checked_before_is_refused_by_torch(tmp_path, monkeypatch, trust):
    """MMEngine itself falls back to full unpickling."""
    for kind in ('NO_', ''):  # restored after the test
        monkeypatch.setenv(f'TORCH_FORCE_{kind}WEIGHTS_ONLY_LOAD', '0')
    monkeypatch.setattr(launch.Runner, 'from_cfg', lambda config: config)
    launch.build_runner(Config(), trust_checkpoint=trust)
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    torch.save({'state_dict': {}, 'extra': Bomb(os.mkdir, str(mark))}, path)
    if trust:
        CheckpointLoader.load_checkpoint(str(path), 'cpu')
    else:
        with pytest.raises(pickle.UnpicklingError):
            CheckpointLoader.load_checkpoint(str(path), 'cpu')
    assert mark.is_dir() == trust
