"""A student that learns from a teacher, both of stock parts."""

import copy

import pytest
import torch
from mmpretrain.structures import DataSample

from mmqcs.checkpoints.weights import inference_weights
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


def trained(**kwargs):
    loss = dict(type='mmqcs.KLDistillLoss', temperature=2.0)
    teacher = dict(type='ImageClassifier', **network(width=16))
    return DistilledClassifier(
        **network(), teacher=teacher, logits_loss=loss, train_teacher=True, **kwargs
    )


def gradients(part, loss):
    return torch.autograd.grad(loss, list(part.parameters()), retain_graph=True)


def test_a_trained_teacher_learns_from_the_labels_alone():
    model = trained().train()
    images, samples = batch()
    losses = model.loss(images, samples)
    assert set(losses) == {'loss', 'loss_teacher', 'loss_logits'}
    alone = copy.deepcopy(model.teacher)
    expected = alone.loss(images, samples)['loss']
    torch.testing.assert_close(losses['loss_teacher'], expected)
    found = gradients(model.teacher, sum(losses.values()))
    torch.testing.assert_close(found, gradients(alone, expected))
    for part in (model.backbone, model.head):
        assert any(g.abs().sum() > 0 for g in gradients(part, losses['loss_logits']))
    assert model.teacher.training


def test_a_trained_teacher_is_resumed_but_not_used_at_test_time():
    model = trained()
    state = model.state_dict()
    assert any(key.startswith('teacher.') for key in state)
    trained().load_state_dict(state)  # strict
    kept, _ = inference_weights(dict(state_dict=state), 'run.pth')
    student = MODELS.build(dict(type='ImageClassifier', **network()))
    student.load_state_dict(kept)  # strict
    images, _ = batch()
    torch.testing.assert_close(student.eval()(images), model.eval()(images))


def test_a_compiled_student_learns_the_same():
    torch.manual_seed(0)
    model, compiled = trained().train(), trained(compile=True).train()
    compiled.load_state_dict(model.state_dict())
    images, samples = batch()
    expected, found = (m.loss(images, samples) for m in (model, compiled))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
