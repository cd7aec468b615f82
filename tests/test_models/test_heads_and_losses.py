import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models.losses import CrossEntropyLoss
from mmpretrain.structures import DataSample

from mmqcs.functional import bilinear_pool, euclidean_loss, kl_distillation_loss
from mmqcs.models import (
    BilinearFusionHead,
    CrossBranch,
    EuclideanDistillLoss,
    GatedClsHead,
    GroupLoss,
    KLDistillLoss,
)
from mmqcs.models.cross import cross_branch


def test_gated_head_by_hand():
    head = GatedClsHead(7, in_channels=8)
    for p in head.parameters():
        torch.nn.init.normal_(p)
    tokens = torch.randn(3, 6, 8)
    c = tokens[:, 0]
    gate = torch.sigmoid(head.gate[2](torch.relu(head.gate[0](c))))
    torch.testing.assert_close(head.pre_logits((tokens,)), c * gate)
    torch.testing.assert_close(head((tokens,)), head.fc(c * gate))
    torch.testing.assert_close(head((c,)), head((tokens,)))
    maps = tokens[:, 1:].transpose(1, 2).unflatten(2, (5, 1))
    torch.testing.assert_close(head((maps,)), head((tokens[:, 1:].mean(dim=1),)))


def test_gated_head_predicts_and_has_a_loss_of_its_own():
    head = GatedClsHead(7, in_channels=8)
    head.init_weights()
    assert head.fc.weight.std() < 0.02
    feats = (torch.randn(2, 6, 8),)
    samples = [DataSample().set_gt_label(i) for i in (3, 5)]
    loss = head.loss(feats, samples)['loss']
    expected = F.cross_entropy(head(feats), torch.tensor([3, 5]))
    torch.testing.assert_close(loss, expected)
    prediction = head.predict(feats, samples)[0]
    assert prediction.pred_score.sum().item() == pytest.approx(1)
    with pytest.raises(ValueError, match='num_classes'):
        GatedClsHead(1)


def test_bilinear_head():
    head = BilinearFusionHead(7, in_channels=4)
    base, refined = torch.randn(2, 5, 4), torch.randn(2, 5, 4)
    torch.testing.assert_close(
        head(base, refined), head.fc(bilinear_pool(base, refined))
    )


def test_cross_branch_by_hand():
    branch = CrossBranch(
        attention=dict(type='mmqcs.CSANeck', embed_dims=8, num_levels=1),
        encoder=dict(
            type='mmqcs.TokenEncoder', num_tokens=5, embed_dims=8, num_heads=2
        ),
        head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=8),
        fusion=dict(type='mmqcs.BilinearFusionHead', num_classes=7, in_channels=8),
    )
    tokens = torch.randn(4, 6, 8)
    refined = branch.attention.refine(tokens[:, 1:])
    encoded = branch.encoder(tokens[:, 1:] + refined)
    output = branch(tokens)
    torch.testing.assert_close(output.feature, encoded[:, 0])
    torch.testing.assert_close(output.logits, branch.head((encoded,)))
    torch.testing.assert_close(
        output.fusion_logits, branch.fusion(tokens[:, 1:], refined)
    )


@pytest.fixture
def outputs():
    cross = cross_branch.CrossOutput(
        torch.randn(8, 4, requires_grad=True),
        torch.randn(8, 7, requires_grad=True),
        torch.randn(8, 7),
    )
    return torch.randn(8, 4), torch.randn(8, 7), cross, torch.randint(7, (8,))


def criteria():
    return CrossEntropyLoss(), CrossEntropyLoss()


def test_the_loss_is_the_mean_over_heads_and_images(outputs):
    feature, logits, cross, target = outputs
    cross = cross._replace(fusion_logits=None)
    losses = GroupLoss()(feature, logits, cross, target, *criteria())
    terms = [
        F.cross_entropy(scores[i : i + 2], target[i : i + 2])
        for scores in (logits, cross.logits)
        for i in range(0, 8, 2)
    ]
    assert set(losses) == {'loss_base', 'loss_cross'}
    torch.testing.assert_close(sum(losses.values()), torch.stack(terms).mean())


def test_every_term_can_be_switched_on_and_weighted(outputs):
    feature, logits, cross, target = outputs
    loss = GroupLoss(
        base_weight=3.0,
        cross_weight=1.0,
        logit_distill=dict(type='mmqcs.KLDistillLoss', temperature=2, loss_weight=0.5),
        feature_distill=dict(type='mmqcs.EuclideanDistillLoss', loss_weight=0.1),
        fusion_weight=0.2,
    )
    losses = loss(feature, logits, cross, target, *criteria())
    expected = {
        'loss_base': 0.75 * F.cross_entropy(logits, target),
        'loss_cross': 0.25 * F.cross_entropy(cross.logits, target),
        'loss_logit_distill': 0.5 * kl_distillation_loss(logits, cross.logits, 2),
        'loss_feature_distill': 0.1 * euclidean_loss(feature, cross.feature),
        'loss_fusion': 0.2 * F.cross_entropy(cross.fusion_logits, target),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


@pytest.mark.parametrize('kind', [KLDistillLoss, EuclideanDistillLoss])
def test_the_teacher_does_not_learn(kind):
    student = torch.randn(3, 5, requires_grad=True)
    teacher = torch.randn(3, 5, requires_grad=True)
    kind()(student, teacher).backward()
    assert student.grad.any()
    assert teacher.grad is None


def test_bad_arguments():
    with pytest.raises(ValueError, match='temperature'):
        KLDistillLoss(temperature=0)
    with pytest.raises(ValueError, match='not both 0'):
        GroupLoss(base_weight=0, cross_weight=0)
    with pytest.raises(ValueError, match='≥ 0'):
        GroupLoss(base_weight=-1)
