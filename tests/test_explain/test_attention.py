"""What a classifier looks at in single images."""

from functools import partial

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from conftest import ROOT
from mmengine import Config

from mmqcs.explain.attention import attention_map, blur_brightest, share_out
from mmqcs.registry import MODELS

SMALL = ROOT / 'configs/_base_/models/qcs_ir-small.py'

PLAIN = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=8, base_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=5,
        in_channels=64,
        loss=dict(type='CrossEntropyLoss'),
    ),
)
VIT = dict(
    PLAIN,
    backbone=dict(
        type='VisionTransformer',
        arch=dict(embed_dims=16, num_layers=3, num_heads=2, feedforward_channels=32),
        img_size=32,
        patch_size=8,
    ),
    neck=None,
    head=dict(PLAIN['head'], in_channels=16),
)


def build(settings):
    model = MODELS.build(dict(settings)).double()
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 or 'bias' in name:  # scales of norms stay 1
            nn.init.normal_(parameter, std=0.2)
    return model


def qcs():
    return build(Config.fromfile(SMALL).model)


def derivative(model, maps, level, label, cells):
    """Of a logit along what is in each cell of a level, by finite differences."""
    side = maps[level].shape[-1]
    masks = torch.eye(cells**2).view(-1, 1, cells, cells)
    masks = F.interpolate(masks, (side, side)).double()  # a cell of the grid each
    logits = []
    for step in (1e-4, -1e-4):
        moved = [x.expand(len(masks), *x.shape[1:]) for x in maps]
        moved[level] = moved[level] * (1 + step * masks)
        logits.append(model.head(model.neck(tuple(moved)))[:, label])
    return ((logits[0] - logits[1]) / 2e-4).view(cells, cells)


def test_every_place_by_the_change_that_it_makes():
    model = qcs().eval()
    images, labels = torch.randn(2, 3, 64, 64).double(), torch.tensor([1, 4])
    with torch.no_grad():
        maps = model.backbone(images[1:])
        fine = derivative(model, maps, 0, 4, 16)  # cells of 2 x 2 places
        middle = derivative(model, maps, 1, 4, 16)
        coarse = derivative(model, maps, 2, 4, 8)[None, None] / 4
    shared = F.interpolate(coarse, (16, 16), mode='bilinear')[0, 0]
    total = (fine + middle + shared).relu()
    found = attention_map(model, images, labels)
    assert found.shape == (2, 16, 16)
    expected = (total / total.max()).float()
    torch.testing.assert_close(found[1], expected, atol=1e-3, rtol=1e-3)


def test_of_one_map_and_a_linear_head_it_is_the_class_activation_map():
    model = build(PLAIN).eval()
    images = torch.randn(3, 3, 32, 32).double()
    labels = torch.tensor([0, 3, 2])
    (maps,) = model.backbone(images)
    cam = torch.einsum('nchw,nc->nhw', maps, model.head.fc.weight[labels]).relu()
    expected = (cam / cam.amax((1, 2), keepdim=True)).float()
    torch.testing.assert_close(attention_map(model, images, labels), expected)


def test_a_vision_transformer_is_cut_in_its_last_layer():
    model = build(VIT).eval()
    images, labels = torch.randn(1, 3, 32, 32).double(), torch.tensor([2])
    found = attention_map(model, images, labels)
    assert found.shape == (1, 4, 4)
    norm = model.backbone.layers[-1].ln1
    assert not norm._forward_hooks
    parts = []
    for patch in range(16):
        logits = []
        for step in (1e-4, -1e-4):
            factor = torch.ones(1, 17, 1).double()
            factor[:, 1 + patch] += step
            change = partial(lambda f, module, args, output: output * f, factor)
            handle = norm.register_forward_hook(change)
            logits.append(model(images)[0, 2].detach())
            handle.remove()
        parts.append((logits[0] - logits[1]) / 2e-4)
    total = torch.stack(parts).view(4, 4).relu()
    expected = (total / total.max()).float()
    torch.testing.assert_close(found[0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('settings', [PLAIN, VIT])
def test_the_model_is_left_as_it_was(settings):
    model = build(settings).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    images = torch.randn(2, 3, 32, 32).double()
    with torch.no_grad():
        found = attention_map(model, images)
    assert model.training
    assert not torch.is_grad_enabled() or not found.requires_grad
    assert all(p.grad is None for p in model.parameters())
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], msg=key)


def test_the_predicted_class_is_the_default_and_images_are_independent():
    model = qcs().eval()
    images = torch.randn(3, 3, 64, 64).double()
    labels = model(images).argmax(1)
    found = attention_map(model, images)
    torch.testing.assert_close(found, attention_map(model, images, labels))
    torch.testing.assert_close(found[1:2], attention_map(model, images[1:2]))
    assert found.min() >= 0
    assert found.amax((1, 2)).tolist() == pytest.approx([1, 1, 1])


def test_no_place_for_a_class():
    model = build(PLAIN).eval()
    nn.init.zeros_(model.head.fc.weight)
    assert not attention_map(model, torch.randn(1, 3, 32, 32).double()).any()


def test_a_backbone_without_places():
    class Flat(nn.Module):
        def forward(self, x):
            return (x.flatten(1),)

    model = build(PLAIN)
    model.backbone = Flat()
    with pytest.raises(ValueError, match='Flat neither returns feature maps'):
        attention_map(model, torch.randn(1, 3, 4, 4).double())


@pytest.mark.parametrize('size', [(2, 2), (4, 4), (8, 8), (12, 12)])
def test_shared_out_values_keep_their_sum(size):
    values = torch.randn(3, 4, 4).double()
    shared = share_out(values, size)
    assert shared.shape == (3, *size)
    torch.testing.assert_close(shared.sum((1, 2)), values.sum((1, 2)))


def test_blurs_the_brightest_pixels():
    images = torch.rand(2, 3, 12, 12)
    maps = torch.rand(2, 12, 12)
    out = blur_brightest(images, maps, 0.25)
    padded = F.pad(images, (2, 2, 2, 2), mode='reflect')
    for i in range(2):
        brightest = set(maps[i].flatten().argsort(descending=True)[:36].tolist())
        for y in range(12):
            for x in range(12):
                expected = images[i, :, y, x]
                if 12 * y + x in brightest:
                    expected = padded[i, :, y : y + 5, x : x + 5].mean((1, 2))
                torch.testing.assert_close(out[i, :, y, x], expected)
    torch.testing.assert_close(blur_brightest(images, maps, 0), images)
