"""A remedy for wrong labels: images that both heads contradict count less."""

import math

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from dispatch import NoSync
from mmengine.config import Config
from mmpretrain.models.losses import CrossEntropyLoss
from mmpretrain.structures import DataSample

from mmqcs.functional import agreement_weights
from mmqcs.models import GroupLoss, SmoothCrossEntropyLoss
from mmqcs.models.cross.cross_branch import CrossOutput
from mmqcs.registry import MODELS

M, K = 8, 5


@pytest.fixture
def outputs():
    generator = torch.Generator().manual_seed(0)
    base, cross, fusion = torch.randn(3, M, K, generator=generator) * 3
    target = torch.randint(K, (M,), generator=generator)
    base.requires_grad_()
    cross.requires_grad_()
    return base, CrossOutput(torch.zeros(M, 4), cross, fusion), target


def by_hand(base, cross, target, power):
    p, q = base.detach().softmax(1).tolist(), cross.detach().softmax(1).tolist()
    weights = []
    for i, y in enumerate(target.tolist()):
        r = max(min(p[i][k], q[i][k]) for k in range(K) if k != y)
        weights.append((1 - r) ** power)
    return torch.tensor(weights) / (sum(weights) / M)


@pytest.mark.parametrize('power', [0.5, 1.0, 4.0])
def test_weights_by_hand(outputs, power):
    base, cross, target = outputs
    expected = by_hand(base, cross.logits, target, power)
    found = agreement_weights(base, cross.logits, target, power)
    torch.testing.assert_close(found, expected)
    assert not found.requires_grad
    assert expected.std() > 0.1
    soft = F.one_hot(target, K) * 0.6 + 0.4 / K
    torch.testing.assert_close(
        agreement_weights(base, cross.logits, soft, power), expected
    )


def test_only_agreement_against_the_label_counts():
    right, wrong, other = 9.0 * torch.eye(3)
    base = torch.stack([right, wrong, wrong, right])
    cross = torch.stack([right, wrong, other, wrong])
    weights = agreement_weights(base, cross, torch.zeros(4, dtype=torch.long), 1.0)
    assert weights[1] < 0.01
    torch.testing.assert_close(
        weights[[0, 2, 3]], torch.full((3,), 4 / 3), rtol=0.01, atol=0
    )


def test_certain_heads_give_finite_weights():
    logits = torch.tensor([[200.0, 0.0]] * 4)
    weights = agreement_weights(logits, logits, torch.ones(4, dtype=torch.long), 2.0)
    torch.testing.assert_close(weights, torch.ones(4))


@pytest.mark.parametrize(
    'criterion', [CrossEntropyLoss(), SmoothCrossEntropyLoss(0.1)], ids=['ce', 'smooth']
)
@pytest.mark.parametrize('soft', [False, True], ids=['labels', 'scores'])
def test_losses_are_weighted(outputs, criterion, soft):
    base, cross, labels = outputs
    target = labels
    if soft:
        target = F.one_hot(labels, K) * 0.6 + 0.4 / K
        if isinstance(criterion, CrossEntropyLoss):
            criterion = CrossEntropyLoss(use_soft=True)
    smoothing = getattr(criterion, 'label_smoothing', 0)
    losses = GroupLoss(agreement_power=2.0)(
        torch.zeros(M, 4), base, cross, target, criterion, criterion
    )
    weights = by_hand(base, cross.logits, labels, 2.0)

    def mean(logits):
        each = F.cross_entropy(
            logits, target, reduction='none', label_smoothing=smoothing
        )
        return (weights * each).sum() / M

    expected = {
        'loss_base': mean(base) / 2,
        'loss_cross': mean(cross.logits) / 2,
        'loss_fusion': mean(cross.fusion_logits),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    (gradient,) = torch.autograd.grad(losses['loss_base'], base)
    (by_mean,) = torch.autograd.grad(mean(base) / 2, base)
    torch.testing.assert_close(gradient, by_mean)


def test_it_is_off_by_default(outputs):
    base, cross, target = outputs
    args = (torch.zeros(M, 4), base, cross, target, *[CrossEntropyLoss()] * 2)
    off, zero = GroupLoss()(*args), GroupLoss(agreement_power=0.0)(*args)
    torch.testing.assert_close(off['loss_base'], F.cross_entropy(base, target) / 2)
    assert all(torch.equal(off[name], zero[name]) for name in off)


def test_losses_without_weights_are_refused(outputs):
    base, cross, target = outputs
    criterion = torch.nn.CrossEntropyLoss()
    with pytest.raises(TypeError, match='agreement_power.*CrossEntropyLoss'):
        GroupLoss(agreement_power=1.0)(
            torch.zeros(M, 4), base, cross, target, criterion, criterion
        )
    with pytest.raises(ValueError, match='≥ 0'):
        GroupLoss(agreement_power=-1.0)


def test_no_value_is_read_back():
    """So that a CUDA graph can contain it."""
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    config.merge_from_dict({'model.group_loss.agreement_power': 1.0})
    model = MODELS.build(config.model)
    images, labels = torch.rand(8, 3, 64, 64), [3, 5, 3, 5, 0, 1, 0, 1]
    samples = [DataSample().set_gt_label(x) for x in labels]
    expected = model.loss(images, samples)  # compiles the labels on the host
    with NoSync():
        losses = model._pass(images, torch.tensor(labels), None)
    assert math.isfinite(losses['loss_base'])
    assert losses.keys() == expected.keys()
