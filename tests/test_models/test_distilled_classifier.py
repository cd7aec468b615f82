"""A student that learns from a frozen teacher, both stock classifiers."""

import copy

import pytest
import torch
from mmpretrain.structures import DataSample

from mmqcs.models import DistilledClassifier
from mmqcs.registry import MODELS


def network(width=8, classes=3):
    return dict(
        backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=width),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=classes, in_channels=8 * width),
    )


def build(student=None, teacher=None, **losses):
    losses = losses or dict(
        logits_loss=dict(type='mmqcs.KLDistillLoss', temperature=2.0),
        feature_loss=dict(type='mmqcs.EuclideanDistillLoss', loss_weight=0.5),
    )
    teacher = dict(type='ImageClassifier', **(teacher or network()))
    return DistilledClassifier(**(student or network()), teacher=teacher, **losses)


def batch():
    samples = [DataSample().set_gt_label(label) for label in (0, 1, 2, 0)]
    return torch.randn(4, 3, 32, 32), samples


def test_losses_by_hand():
    model = build().train()
    images, samples = batch()
    losses = model.loss(images, samples)
    copied = copy.deepcopy(model)  # BatchNorm's statistics do not matter in training
    feats = copied.extract_feat(images)
    known = model.teacher.extract_feat(images)
    assert set(losses) == {'loss', 'loss_logits', 'loss_feature'}
    loss = MODELS.build(dict(type='mmqcs.KLDistillLoss', temperature=2.0))
    expected = loss(copied.head(feats), model.teacher.head(known))
    torch.testing.assert_close(losses['loss_logits'], expected)
    expected = 0.5 * (feats[-1] - known[-1]).norm() / 4
    torch.testing.assert_close(losses['loss_feature'], expected)


def test_the_teacher_stays_as_it_is():
    model = build().train()
    assert not model.teacher.training
    before = {k: v.clone() for k, v in model.teacher.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sum(model.loss(*batch()).values()).backward()
    optimizer.step()
    for key, value in model.teacher.state_dict().items():
        torch.testing.assert_close(value, before[key], msg=key)
    assert all(p.grad is not None for p in model.backbone.parameters())


def test_checkpoints_hold_the_student_alone():
    model = build()
    kept = model.state_dict()
    assert kept
    assert not any('teacher' in key for key in kept)
    other = build()
    other.load_state_dict(kept)  # strict
    outer = torch.nn.ModuleDict({'student': build()})
    assert not any('teacher' in key for key in outer.state_dict())
    outer.load_state_dict(outer.state_dict())
    del kept['head.fc.weight']
    with pytest.raises(RuntimeError, match='head.fc.weight'):
        other.load_state_dict(kept)


def test_bad_arguments():
    with pytest.raises(ValueError, match='logits_loss, feature_loss or both'):
        build(logits_loss=None)
    model = build(teacher=network(width=16)).train()
    with pytest.raises(RuntimeError, match=r'64.*128'):
        model.loss(*batch())
