"""Cross similarity attention of given images."""

import math

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from mmengine import Config

from mmqcs.explain import csa_neck, csa_weights, token_similarity
from mmqcs.registry import MODELS

SMALL = ROOT / 'configs/_base_/models/qcs_ir-small.py'


def build(group='quadruplet', mode=None):
    cfg = Config.fromfile(SMALL)
    cfg.model.cross.attention.update(group=group, mode=mode)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def as_neck():
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=8),
            neck=dict(type='mmqcs.CSANeck', embed_dims=64, num_levels=1),
            head=dict(type='mmqcs.GatedClsHead', num_classes=3, in_channels=64),
        )
    )


def test_weights_of_a_group_by_loops():
    """The published formula, token by token, on one level."""
    model = build().eval()
    level = model.cross.attention.levels[1]
    level.theta.data.fill_(0.4)
    images = torch.randn(8, 3, 64, 64)
    found = csa_weights(model, images)
    assert found.shape == (3, 4, 2, 4, 4)
    with torch.no_grad():
        tokens = model.extract_feat(images)[0][:, 1:][:, 16:32]
        p = level.proj(level.norm1(tokens))[..., :96].view(4, 2, 16, 96)
    similar, dissimilar = {0: 1, 1: 0, 2: 3, 3: 2}, {0: 2, 2: 0, 1: 3, 3: 1}

    def scores(image, other, group, sign):
        pairs = [torch.cdist(p[image, b], p[other, b]) for b in range(2)]
        values = torch.stack(pairs)
        whole = values.max() - values if sign > 0 else values - values.min()
        m = whole[group]
        return torch.stack(
            [sum(m[n, k] / m[:, k].norm() for k in range(16)) for n in range(16)]
        )

    for image in range(4):
        for group in range(2):
            s = scores(image, similar[image], group, 1)
            d = scores(image, dissimilar[image], group, -1)
            expected = F.softmax(s + (1 + math.tanh(0.4)) * d, dim=0).view(4, 4)
            torch.testing.assert_close(found[1, image, group], expected)


@pytest.mark.parametrize('make', [build, lambda: build('pair'), as_neck])
def test_weights_sum_to_one_and_leave_the_model_as_it_was(make):
    model = make().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    size = csa_neck(model).ring.size
    weights = csa_weights(model, torch.randn(size * 2, 3, 64, 64))
    assert weights.shape[1:3] == (size, 2)
    torch.testing.assert_close(weights.sum((-2, -1)), torch.ones(weights.shape[:3]))
    assert model.training and not weights.requires_grad
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], msg=key)


@pytest.mark.parametrize('differing', [False, True])
def test_similarity_of_two_images_by_loops(differing):
    model = build().eval()
    first, second = torch.randn(2, 3, 64, 64), torch.randn(2, 3, 64, 64)
    found = token_similarity(model, first, second, differing)
    level = model.cross.attention.levels[2]
    with torch.no_grad():
        a, b = (
            level.proj(level.norm1(model.extract_feat(x)[0][:, 33:]))[..., :96]
            for x in (first, second)
        )
    for i in range(2):
        distance = torch.cdist(a[i], b[i])
        m = distance - distance.min() if differing else distance.max() - distance
        for scores, matrix in ((found[0], m), (found[1], m.T)):
            expected = torch.stack(
                [
                    sum(matrix[n, k] / matrix[:, k].norm() for k in range(16))
                    for n in range(16)
                ]
            )
            expected = expected / expected.mean()
            torch.testing.assert_close(scores[2, i], expected.view(4, 4))


def test_similarity_of_a_pair_does_not_depend_on_its_order_or_on_others():
    model = build('pair')
    first, second = torch.randn(2, 3, 64, 64), torch.randn(2, 3, 64, 64)
    found = token_similarity(model, first, second)
    turned = token_similarity(model, second[:1], first[:1])
    torch.testing.assert_close(turned[0][:, 0], found[1][:, 0])
    torch.testing.assert_close(turned[1][:, 0], found[0][:, 0])


def test_models_and_images_that_do_not_fit():
    plain = MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(type='ResNet_CIFAR', depth=18),
        )
    )
    images = torch.randn(3, 3, 64, 64)
    with pytest.raises(ValueError, match='no cross similarity attention'):
        csa_weights(plain, images)
    with pytest.raises(ValueError, match='3 images is not made of groups of 4'):
        csa_weights(build(), images)
    with pytest.raises(ValueError, match="'SDPA' attends token to token"):
        csa_weights(build('pair', 'SDPA'), images[:2])
    with pytest.raises(ValueError, match=r'got \(3, 3, 64, 64\) and \(2, 3, 64, 64\)'):
        token_similarity(build(), images, images[:2])
