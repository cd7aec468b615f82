"""The mean of an image and its mirror image at test time."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mmqcs.registry import MODELS


def build(**kwargs):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='mmqcs.FERClassifier',
            backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=8),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=3, in_channels=64),
            **kwargs,
        )
    )
    model.init_weights()
    return model


IMAGES = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_logits_and_predictions_are_the_mean_over_both_views():
    plain, mirror = build().eval(), build(mirror=True).eval()
    expected = (plain(IMAGES) + plain(IMAGES.flip(-1))) / 2
    torch.testing.assert_close(mirror(IMAGES), expected)
    assert not torch.allclose(plain(IMAGES), expected, atol=1e-3)
    samples = [DataSample().set_gt_label(1) for _ in IMAGES]
    for found, logits in zip(mirror.predict(IMAGES, samples), expected, strict=True):
        torch.testing.assert_close(found.pred_score, logits.softmax(0))
        assert found.pred_label == logits.argmax()
        assert found.gt_label == 1


@torch.no_grad()
def test_both_views_of_an_image_get_the_same_logits():
    model = build(mirror=True).eval()
    torch.testing.assert_close(model(IMAGES.flip(-1)), model(IMAGES))


@pytest.mark.parametrize('mirror', [False, True])
def test_training_sees_the_images_alone(mirror):
    model = build(mirror=mirror).train()
    samples = [DataSample().set_gt_label(i % 3) for i in range(len(IMAGES))]
    expected = build().train().loss(IMAGES, samples)
    torch.testing.assert_close(model.loss(IMAGES, samples), expected)
    assert model(IMAGES).shape == (5, 3)
