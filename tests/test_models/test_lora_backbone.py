"""Frozen backbones: with LoRA, and networks with BatchNorm."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmpretrain.models.peft.lora import LoRALinear
from mmpretrain.structures import DataSample

from mmqcs.checkpoints import CheckpointError
from mmqcs.engine.hooks.check_weights_hook import CheckWeightsHook
from mmqcs.models import LoRABackbone
from mmqcs.registry import MODELS

VIT = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=48),
    img_size=32,
    patch_size=8,
    out_type='raw',
)
IMAGES = torch.rand(2, 3, 32, 32)


@pytest.fixture
def pretrained(tmp_path):
    """A network and the file with its weights, below ``backbone.`` as MMPretrain's."""
    vit = MODELS.build(VIT)
    for p in vit.parameters():
        torch.nn.init.normal_(p, std=0.1)
    state = {f'backbone.{key}': value for key, value in vit.state_dict().items()}
    path = tmp_path / 'vit.pth'
    torch.save({'state_dict': state}, path)
    vit.eval()  # which returns None for backbones of MMPretrain
    return vit, path


def build(path=None, **changes):
    vit = dict(VIT)
    if path is not None:
        start = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
        vit['init_cfg'] = start
    return LoRABackbone(vit, **{'rank': 4, 'alpha': 6, **changes})


def wrapped(backbone):
    modules = backbone.module.named_modules()
    return {name: x for name, x in modules if isinstance(x, LoRALinear)}


def test_the_product_of_low_rank_by_hand():
    backbone = build()
    layers = wrapped(backbone)
    assert set(layers) == {
        f'layers.{i}.attn.{name}' for i in range(2) for name in ('qkv', 'proj')
    }
    layer = layers['layers.1.attn.qkv']
    torch.nn.init.normal_(layer.lora_up.weight)
    x = torch.randn(5, 32)
    down, up = layer.lora_down.weight, layer.lora_up.weight
    assert (down.shape, up.shape) == ((4, 32), (96, 4))
    weight = layer.original_layer.weight + 6 / 4 * up @ down
    expected = x @ weight.T + layer.original_layer.bias
    torch.testing.assert_close(layer(x), expected)


def test_it_starts_as_the_pretrained_network(pretrained):
    vit, path = pretrained
    backbone = build(path).eval()
    assert not torch.allclose(backbone(IMAGES)[0], vit(IMAGES)[0])  # not read yet
    backbone.init_weights()
    torch.testing.assert_close(backbone(IMAGES), vit(IMAGES), rtol=0, atol=0)
    assert len(wrapped(backbone)) == 4
    assert all(layer.lora_down.weight.any() for layer in wrapped(backbone).values())


def test_a_file_that_is_missing(tmp_path):
    backbone = build(tmp_path / 'missing.pth')  # as for inference
    with pytest.raises(FileNotFoundError, match=r'missing\.pth'):
        backbone.init_weights()
    assert len(wrapped(backbone)) == 4


def test_the_file_must_have_all_weights(pretrained):
    _, path = pretrained
    backbone = build(path)
    backbone.init_weights()
    runner = SimpleNamespace(model=backbone, _has_loaded=False)
    CheckWeightsHook().before_train(runner)
    content = torch.load(path)
    del content['state_dict']['backbone.layers.1.attn.qkv.weight']
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r'lacks 1 .* layers\.1\.attn\.qkv\.wei'):
        CheckWeightsHook().before_train(runner)


def test_layers_of_the_mlp_and_random_weights():
    backbone = build(targets=('ffn.layers.1',))
    backbone.init_weights()
    assert set(wrapped(backbone)) == {f'layers.{i}.ffn.layers.1' for i in range(2)}
    for layer in wrapped(backbone).values():
        assert not layer.lora_up.weight.any()


def test_a_pyramid_of_another_transformer(tmp_path):
    swin = dict(
        type='SwinTransformer',
        arch=dict(embed_dims=8, depths=[1, 1], num_heads=[2, 2]),
        img_size=32,
        patch_size=2,
        window_size=4,
        drop_path_rate=0.0,
        out_indices=(0, 1),
    )
    with pytest.raises(ValueError, match=r'; it has .*w_msa\.qkv'):
        LoRABackbone(swin)
    with pytest.raises(ValueError, match='; it has no linear layers'):
        LoRABackbone(dict(type='ResNet', depth=18))
    pretrained = MODELS.build(swin)
    pretrained.eval()
    torch.save(pretrained.state_dict(), tmp_path / 'swin.pth')
    start = dict(type='Pretrained', checkpoint=str(tmp_path / 'swin.pth'))
    backbone = LoRABackbone(dict(swin, init_cfg=start), targets=('qkv', 'proj'))
    backbone.init_weights()
    backbone.eval()
    assert len(wrapped(backbone)) == 4
    features = backbone(IMAGES)
    assert [f.shape[1:] for f in features] == [(8, 16, 16), (16, 8, 8)]
    torch.testing.assert_close(features, pretrained(IMAGES), rtol=0, atol=0)


def test_all_weights_are_in_checkpoints(pretrained):
    _, path = pretrained
    backbone = build(path)
    backbone.init_weights()
    for p in backbone.parameters():
        if p.requires_grad:
            torch.nn.init.normal_(p)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), backbone)
    state = model.state_dict()
    assert set(state) == {key for key, _ in model.named_parameters()}
    path.unlink()
    again = torch.nn.Sequential(torch.nn.Linear(3, 3), build(path))
    again.load_state_dict(state)
    torch.testing.assert_close(again[1].eval()(IMAGES), backbone.eval()(IMAGES))


def test_it_stands_for_the_backbone():
    backbone = build()
    assert backbone.out_indices == [1]
    assert len(backbone.layers) == 2  # a module
    with pytest.raises(AttributeError, match='nothing'):
        _ = backbone.nothing
    copied = copy.deepcopy(backbone)
    torch.testing.assert_close(copied.eval()(IMAGES), backbone.eval()(IMAGES))
    trained = {key for key, p in backbone.named_parameters() if p.requires_grad}
    assert len(trained) == 8
    assert all('.lora_' in key for key in trained)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'rank': 0}, 'rank must be at least 1, got 0'),
        ({'targets': ()}, r'no linear layer of VisionTransformer .* targets \(\)'),
        ({'targets': 'qkv'}, 'names of layers .* got qkv'),
        ({'targets': ('.*qkv',)}, r'no linear layer .*\.\*qkv'),
        ({'targets': (dict(type='qkv'),)}, 'names of layers'),
        ({'targets': ('ln1',)}, 'no linear layer'),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def qcs(backbone, neck, width, tokens):
    return dict(
        type='mmqcs.QCSClassifier',
        data_preprocessor=dict(
            type='mmqcs.FERDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3
        ),
        backbone=backbone,
        neck=neck,
        head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=width),
        cross=dict(
            type='mmqcs.CrossBranch',
            attention=dict(
                type='mmqcs.CSANeck', embed_dims=width, num_levels=tokens // 16
            ),
            encoder=dict(type='mmqcs.TokenEncoder', num_tokens=tokens, num_heads=2)
            | dict(embed_dims=width, out_type='cls_token'),
            head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=width),
        ),
    )


LORA = qcs(dict(type='mmqcs.LoRABackbone', module=VIT, rank=2), None, 32, 16)
FROZEN_VIT = qcs(
    dict(VIT, out_type='featmap', out_indices=(0, 1), frozen_stages=2),
    dict(type='mmqcs.TokenPyramidNeck', grid_stride=8, embed_dims=32)
    | dict(encoder=dict(type='mmqcs.TokenEncoder', num_tokens=32, num_heads=2)),
    32,
    32,
)
FROZEN_RESNET = qcs(
    dict(type='ResNet', depth=18, out_indices=(2, 3), frozen_stages=4),
    dict(type='mmqcs.TokenPyramidNeck', grid_stride=32, embed_dims=32)
    | dict(encoder=dict(type='mmqcs.TokenEncoder', num_tokens=32, num_heads=2)),
    32,
    32,
)


@pytest.mark.parametrize(
    ('settings', 'side', 'trained'),
    [
        (LORA, 32, {'backbone.lora', 'head', 'cross'}),
        (FROZEN_VIT, 32, {'neck', 'head', 'cross'}),
        (FROZEN_RESNET, 128, {'neck', 'head', 'cross'}),
    ],
    ids=['lora', 'frozen ViT', 'frozen ResNet'],
)
@pytest.mark.parametrize('wrapper', ['SAMOptimWrapper', 'OptimWrapper'])
def test_only_what_is_not_frozen_learns(settings, side, trained, wrapper):
    model = MODELS.build(Config(settings).to_dict() | {'input_size': side})
    model.init_weights()
    model.train()
    samples = [DataSample().set_gt_label(x) for x in (0, 3, 0, 3, 1, 5, 1, 5)]
    images = torch.randint(256, (8, 3, side, side), dtype=torch.uint8)
    batch = dict(inputs=list(images), data_samples=samples)
    optim = dict(optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.1))
    is_sam = wrapper == 'SAMOptimWrapper'
    optim['type'] = f'mmqcs.{wrapper}' if is_sam else wrapper
    optim_wrapper = build_optim_wrapper(model, optim)
    optim_wrapper.hook_installed = True  # the runner's hook, for SAM
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for _ in range(4):
        loss = model.train_step(batch, optim_wrapper)['loss']
    assert torch.isfinite(loss)
    after = model.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    # BatchNorm's statistics of a frozen network are frozen as well
    parts = {
        'backbone.lora' if '.lora_' in key else key.partition('.')[0] for key in changed
    }
    assert parts == trained
    assert all(key in changed for key, p in model.named_parameters() if 'lora_' in key)
