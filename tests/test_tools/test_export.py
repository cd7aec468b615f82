"""tools/deployment, run as a user does; errors are tested in this process."""

import importlib.util

import cv2
import numpy as np
import pytest
import torch
from tool_helpers import load_tool

from mmqcs.apis import FaceClassifier
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.deployment import OnnxClassifier
from mmqcs.synth import SynthFERSettings, render

onnx_tool = load_tool('deployment/export_onnx')
torch_tool = load_tool('deployment/export_torch')


@pytest.fixture(autouse=True)
def in_own_folder(monkeypatch, tmp_path):
    """Exports are written below the current folder."""
    monkeypatch.chdir(tmp_path)


def images_of_test(toy_config):
    files = sorted((toy_config.parent / 'data/test').rglob('*.jpg'))
    return [cv2.imread(str(path)) for path in files]


@pytest.mark.slow
def test_onnx_of_a_stock_classifier(toy_config, trained, run, tmp_path):
    checkpoint = trained / 'epoch_1.pth'
    args = (toy_config, checkpoint, '--check-images', 4)
    done = run('deployment/export_onnx.py', *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'takes normalised float32 (B, 3, 32, 32)' in done.stdout
    assert 'checked on 4 faces of the test set in batches of 1 and 4' in done.stdout
    classify = OnnxClassifier(tmp_path / 'work_dirs/export/toy.onnx')
    assert classify.classes == ('Surprise', 'Fear', 'Disgust')
    assert classify.input_size == (32, 32)
    out = ('--out', 'pred.pkl')
    done = run('test.py', toy_config, checkpoint, *out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    predictions = np.load(tmp_path / 'pred.pkl', allow_pickle=True)
    by_path = {item['img_path']: item['pred_score'] for item in predictions}
    for path, expected in by_path.items():
        scores = classify([cv2.imread(path)])
        assert np.abs(scores[0] - expected.numpy()).max() <= 1e-4
    assert len(by_path) == 6


@pytest.mark.slow
def test_int8_and_preprocessing_of_images(toy_config, trained, call, tmp_path):
    args = ('--out', 'new/a.onnx', '--with-preprocessing', 'pixels', '--int8')
    out = call(onnx_tool, toy_config, trained / 'epoch_1.pth', *args)
    assert 'takes uint8 images (B, 32, 32, 3)' in out
    names = sorted(path.name for path in (tmp_path / 'new').iterdir())
    assert names == ['a.onnx', 'a_int8.onnx']
    table = [line.split('|')[1:-1] for line in out.splitlines()[-5:]]
    header, _, *rows = [[cell.strip() for cell in row] for row in table]
    assert [row[0] for row in rows] == ['PyTorch', 'fp32', 'int8']
    assert [bool(row[1]) for row in rows] == [False, True, True]
    assert rows[0][2:4] == rows[1][2:4]  # accuracy, and the same class
    assert rows[1][header.index('same class')] == '100.0 %'
    assert rows[0][header.index('speed, batch 16')] == '1.00'
    faces = images_of_test(toy_config)
    fp32, int8 = (OnnxClassifier(tmp_path / 'new' / name)(faces) for name in names)
    assert 0 < np.abs(fp32 - int8).max() < 0.05


@pytest.mark.slow
def test_program_of_a_stock_classifier(toy_config, trained, call, tmp_path):
    args = ('--out', 'toy.pt2', '--with-preprocessing', 'pixels')
    out = call(torch_tool, toy_config, trained / 'epoch_1.pth', *args)
    assert 'checked on 6 faces of the test set in batches of 1 and 6' in out
    module = torch.export.load(str(tmp_path / 'toy.pt2')).module()
    scores, _ = module(torch.zeros(3, 32, 32, 3, dtype=torch.uint8))
    assert scores.shape == (3, 3)
    assert torch.allclose(scores.sum(1), torch.ones(3))


@pytest.mark.slow
def test_errors_of_the_model(toy_config, trained, call, tmp_path):
    good = trained / 'epoch_1.pth'

    def fails(error, *args, checkpoint=good):
        call(onnx_tool, toy_config, checkpoint, '--out', 'a.onnx', *args, error=error)
        assert list(tmp_path.glob('*.onnx')) == []

    fails('checkpoint not found: missing.pth', checkpoint='missing.pth')
    (tmp_path / 'text.pth').write_text('weights')
    fails('text.pth', checkpoint='text.pth')
    state = torch.load(good, weights_only=False)['state_dict']
    state['head.fc.weight'] = torch.zeros(4, 32)
    torch.save({'state_dict': state}, 'four.pth')
    fails('head.fc.weight', checkpoint='four.pth')
    torch.save({'state_dict': {'a': torch.zeros(1)}}, 'other.pth')
    fails('other.pth', checkpoint='other.pth')

    changed = ('--cfg-options',)
    root = 'test_dataloader.dataset.data_root=nowhere'
    fails('nowhere', *changed, root)
    classes = 'test_dataloader.dataset.classes=[Surprise,Fear]'
    fails('The number of subfolders (3)', *changed, classes)
    classes = 'test_dataloader.dataset.classes=[Surprise,Fear,Joy]'
    fails('Fear, Joy', *changed, classes)
    fails('has no test_dataloader', *changed, 'test_dataloader=None')
    fails('has no model', *changed, 'model=None')
    fails('resize to one size', '--with-preprocessing')


@pytest.mark.parametrize('module', [onnx_tool, torch_tool])
def test_errors_of_the_command_line(toy, call, tmp_path, module):
    suffix = '.onnx' if module is onnx_tool else '.pt2'
    call(module, toy, 'weights.pth', '--out', 'a.txt', error=f'must end with {suffix}')
    (tmp_path / f'folder{suffix}').mkdir()
    out = ('--out', f'folder{suffix}')
    call(module, toy, 'weights.pth', *out, error='is a folder')
    out = ('--out', f'weights.pth/a{suffix}')
    call(module, toy, 'weights.pth', *out, error='cannot write to weights.pth')
    count = ('--check-images', 0)
    call(module, toy, 'weights.pth', *count, error='must be at least 1, got 0')
    call(module, 'missing.py', 'weights.pth', error='config file not found')


@pytest.mark.slow
@pytest.mark.parametrize('module', [onnx_tool, torch_tool])
def test_a_checkpoint_alone(trained, call, tmp_path, module):
    suffix = '.onnx' if module is onnx_tool else '.pt2'
    out = call(module, trained / 'epoch_1.pth', '--with-preprocessing', 'pixels')
    assert 'checked on 16 rendered faces in batches of 1 and 16' in out
    assert (tmp_path / f'work_dirs/export/epoch_1{suffix}').is_file()


@pytest.mark.slow
def test_the_default_model(call, tmp_path):
    call(onnx_tool)
    path = tmp_path / f'work_dirs/export/{DEFAULT_MODEL.stem}.onnx'
    classify, original = OnnxClassifier(path), FaceClassifier(device='cpu')
    assert classify.classes == original.classes
    face = render(SynthFERSettings(), 'train', 3)
    assert np.abs(classify([face]) - original([face])).max() <= 1e-4


def test_errors_of_a_single_argument(toy, call):
    call(onnx_tool, toy, error=f'{toy} is not a checkpoint: a config needs one')
    call(onnx_tool, 'qcs_ir50_raf', error='qcs_ir50_raf is not a checkpoint')
    options = ('--cfg-options', 'model.head.num_classes=8')
    call(onnx_tool, 'weights.pth', *options, error='--cfg-options changes a config')
    call(onnx_tool, 'weights.pth', '--int8', error='give CONFIG and CHECKPOINT')
    call(onnx_tool, 'weights.pth', error='weights.pth holds no config')


def test_errors_of_onnx_alone(toy, call, monkeypatch):
    for opset in (17, 999):
        args = ('--opset', opset)
        call(onnx_tool, toy, 'weights.pth', *args, error='--opset must be 18 to')
    args = ('--calibration-images', 0)
    call(onnx_tool, toy, 'weights.pth', *args, error='must be at least 1, got 0')
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name, *rest: None if name.startswith('onnx') else found(name, *rest),
    )
    call(
        onnx_tool,
        toy,
        'weights.pth',
        error='exporting needs onnx, onnxscript, onnxruntime; run pip install '
        "'mmqcs[export]'",
    )
