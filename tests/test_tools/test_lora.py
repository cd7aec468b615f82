"""A frozen backbone with LoRA, from training to an exported file."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine import Config
from tool_helpers import ROOT

from mmqcs.apis import FaceClassifier
from mmqcs.deployment import OnnxClassifier
from mmqcs.registry import MODELS

CONFIG = """
_base_ = {base!r}
small = dict(
    _delete_=True,  # the base has a name
    embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=48)
model = dict(
    backbone=dict(
        module=dict(arch=small, patch_size=56, init_cfg=dict(checkpoint='vit.pth'))),
    head=dict(in_channels=32),
    cross=dict(
        attention=dict(embed_dims=32),
        encoder=dict(num_tokens=16, embed_dims=32, num_heads=2),
        head=dict(in_channels=32)))
train_dataloader = dict(
    batch_size=7, num_workers=0, dataset=dict(data_root={data!r}))
val_dataloader = dict(num_workers=0, dataset=dict(data_root={data!r}))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1)
default_hooks = dict(report=dict(enable=False))
"""


@pytest.fixture
def folder(rafdb_root, tmp_path):
    base = str(ROOT / 'configs/mix/qcs_dinov2-small_lora_raf.py')
    text = CONFIG.format(base=base, data=str(rafdb_root))
    (tmp_path / 'lora.py').write_text(text)
    settings = Config.fromfile(tmp_path / 'lora.py').model.backbone.module
    vit = MODELS.build(settings)
    for p in vit.parameters():
        torch.nn.init.normal_(p, std=0.1)
    state = {f'backbone.{key}': value for key, value in vit.state_dict().items()}
    torch.save({'state_dict': state}, tmp_path / 'vit.pth')
    return tmp_path


@pytest.mark.slow
def test_from_training_to_inference(run, folder, rafdb_root):
    pretrained = torch.load(folder / 'vit.pth')['state_dict']
    done = run('train.py', 'lora.py', '--work-dir', 'run', cwd=folder)
    assert done.returncode == 0, done.stderr
    checkpoint = folder / 'run/epoch_1.pth'
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    plain = {
        key.replace('backbone.module.', 'backbone.').replace('.original_layer', ''): x
        for key, x in state.items()
        if key.startswith('backbone.') and '.lora_' not in key
    }
    assert plain.keys() == pretrained.keys()
    assert all(torch.equal(plain[key], value) for key, value in pretrained.items())
    raised = [value for key, value in state.items() if 'lora_up' in key]
    assert len(raised) == 4
    assert all(value.any() for value in raised)

    # nothing but the checkpoint is needed from here on
    (folder / 'vit.pth').unlink()
    path = next(rafdb_root.rglob('test_*.jpg'))
    scores = FaceClassifier(checkpoint, device='cpu')([cv2.imread(str(path))])

    out = ('--out', 'metrics.json', '--out-item', 'metrics')
    done = run('test.py', 'lora.py', checkpoint, *out, cwd=folder)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert sum(map(sum, metrics['confusion_matrix/result'])) == 14

    faces = ('--faces', 'none', '--out', 'faces')
    done = run('infer.py', path, '--model', checkpoint, *faces, cwd=folder)
    assert done.returncode == 0, done.stderr

    out = ('--out', 'lora.onnx', '--check-images', 2)
    done = run('deployment/export_onnx.py', checkpoint, *out, cwd=folder)
    assert done.returncode == 0, done.stderr
    exported = OnnxClassifier(folder / 'lora.onnx')([cv2.imread(str(path))])
    assert np.abs(exported - scores).max() <= 1e-3


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('checkpoint=none.pth', 'none.pth'),
        ('prefix=encoder.', 'encoder. is not in the pretrained model'),
    ],
)
def test_pretrained_weights_are_required(run, folder, option, message):
    options = ('--cfg-options', f'model.backbone.module.init_cfg.{option}')
    done = run('train.py', 'lora.py', *options, cwd=folder)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(folder.rglob('epoch_*.pth'))
