"""The classifier as a whole: inference path, groups, gradient flow, errors."""

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from mmengine import Config
from mmpretrain.structures import DataSample

from mmqcs.functional import PAIR
from mmqcs.models.classifiers.qcs_classifier import group_curves
from mmqcs.registry import MODELS

SMALL = ROOT / 'configs/_base_/models/qcs_ir-small.py'


def build(group='quadruplet', **changes):
    cfg = Config.fromfile(SMALL)
    cfg.model.cross.attention.group = group
    cfg.merge_from_dict({f'model.{key}': value for key, value in changes.items()})
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def batch(labels=((0, 3), (0, 3), (1, 5), (1, 5))):
    labels = [label for branch in labels for label in branch]
    return (
        torch.randn(len(labels), 3, 64, 64),
        [DataSample().set_gt_label(label) for label in labels],
    )


def test_the_inference_path_ignores_the_cross_branch():
    model = build().eval()
    images, samples = batch()
    tensor = model(images)
    assert tensor.shape == (8, 7)
    predictions = model(images, samples, mode='predict')
    scores = torch.stack([p.pred_score for p in predictions])
    torch.testing.assert_close(scores, tensor.softmax(-1))
    for p in model.cross.parameters():
        torch.nn.init.constant_(p, float('nan'))
    torch.testing.assert_close(model(images), tensor)
    torch.testing.assert_close(model(images[:1]), tensor[:1])


def test_feature_stages():
    model = build().eval()
    images = torch.randn(2, 3, 64, 64)
    maps = model.extract_feat(images, stage='backbone')
    assert [tuple(x.shape[1:]) for x in maps] == [
        (16, 32, 32),
        (32, 16, 16),
        (64, 8, 8),
    ]
    (tokens,) = model.extract_feat(images, stage='neck')
    assert tokens.shape == (2, 49, 96)
    assert model.extract_feat(images, stage='pre_logits').shape == (2, 96)


@pytest.mark.parametrize('group', ['quadruplet', 'pair'])
def test_gradient_reaches_every_parameter(group):
    model = build(group)
    branches = ((0, 3), (0, 3), (1, 5), (1, 5))[: model.ring.size]
    losses = model(*batch(branches), mode='loss')
    model.parse_losses(losses)[0].backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert not without


def test_the_cross_loss_teaches_the_base_network():
    """Contrastive residual distillation: the cross term alone reaches the stem."""
    model = build()
    model(*batch(), mode='loss')['loss_cross'].backward()
    assert model.backbone.stem[0].weight.grad.any()
    assert model.head.fc.weight.grad is None


def test_the_loss_is_the_mean_of_eight_cross_entropies():
    model = build().eval()  # running statistics, so that images are independent
    images, samples = batch()
    losses = model(images, samples, mode='loss')
    labels = torch.tensor([0, 3, 0, 3, 1, 5, 1, 5])
    feats = model.extract_feat(images)
    cross = model.cross(feats[-1]).logits
    terms = [
        F.cross_entropy(scores[i : i + 2], labels[i : i + 2])
        for scores in (model.head(feats), cross)
        for i in range(0, 8, 2)
    ]
    loss, _ = model.parse_losses(losses)
    torch.testing.assert_close(loss, torch.stack(terms).mean())
    accuracy = (cross.argmax(1) == labels).float().mean() * 100
    torch.testing.assert_close(losses['accuracy_cross'], accuracy)


@pytest.mark.parametrize('group', ['quadruplet', 'pair'])
def test_values_for_the_log_are_not_part_of_the_loss(group):
    model = build(group)
    size = model.ring.size
    images, samples = batch(((0, 3), (0, 3), (1, 5), (1, 5))[:size])
    if group == 'quadruplet':
        model.cross.attention.levels[1].theta.data.fill_(0.25)
    losses = model(images, samples, mode='loss')
    for name in ('base', 'cross'):
        terms = [losses[f'ce_{name}/{branch}'] for branch in model.ring.branches]
        mean = torch.stack(terms).mean()
        torch.testing.assert_close(2 * losses[f'loss_{name}'].detach(), mean)
    thetas = {k: float(v) for k, v in losses.items() if k.startswith('theta')}
    levels = {'theta/level_1': 0, 'theta/level_2': 0.25, 'theta/level_3': 0}
    assert thetas == (levels if group == 'quadruplet' else {})  # pairs learn none
    total, _ = model.parse_losses(losses)
    torch.testing.assert_close(total, losses['loss_base'] + losses['loss_cross'])
    with_gradient = {key for key, value in losses.items() if value.requires_grad}
    assert with_gradient == {'loss_base', 'loss_cross'}


def test_soft_labels_are_used():
    model = build().eval()
    images, samples = batch()
    hard = model(images, samples, mode='loss')['loss_base']
    for sample in samples:
        sample.set_gt_score(torch.full((7,), 1 / 7))
    soft = model(images, samples, mode='loss')['loss_base']
    logits = model.head(model._extract_groups(images))
    expected = F.cross_entropy(logits, torch.full((8, 7), 1 / 7)) / 2
    torch.testing.assert_close(soft, expected)
    assert not torch.isclose(soft, hard)


def test_one_pass_equals_a_pass_for_each_branch():
    model = build().double()
    passes = build(statistics='joint').double()
    passes.load_state_dict(model.state_dict())
    images = batch()[0].double()
    (tokens,) = model._extract_groups(images)
    expected = torch.cat([passes.extract_feat(x)[0] for x in images.chunk(4)])
    torch.testing.assert_close(tokens, expected)
    coefficients = torch.randn_like(tokens)
    for each, output in ((model, tokens), (passes, expected)):
        (output * coefficients).sum().backward()
        assert each.backbone.stem[1].num_batches_tracked == 4
    for name, buffer in passes.named_buffers():
        torch.testing.assert_close(model.get_buffer(name), buffer, msg=name)
    for name, parameter in passes.backbone.named_parameters():
        gradient = model.backbone.get_parameter(name).grad
        torch.testing.assert_close(gradient, parameter.grad, msg=name)


def test_unknown_batch_statistics_still_take_a_pass_for_each_branch():
    class CountingNorm(torch.nn.SyncBatchNorm):
        calls = 0

        def forward(self, x):
            self.calls += 1
            assert len(x) == 2
            return F.batch_norm(x, None, None, self.weight, self.bias, True)

    model = build()
    model.backbone.stem[1] = CountingNorm(16)
    model(*batch(), mode='loss')
    assert model.backbone.stem[1].calls == 4


def test_frozen_statistics_are_left_alone():
    model = build(**{'backbone.norm_eval': True}).train()
    model(*batch(), mode='loss')
    assert model.backbone.stem[1].num_batches_tracked == 0


def test_joint_statistics_are_those_of_one_pass():
    model = build(statistics='joint')
    model(*batch(), mode='loss')
    assert model.backbone.stem[1].num_batches_tracked == 1


def test_channels_and_strides_are_inferred_from_the_backbone():
    given = build()
    inferred = build(**{'neck.in_channels': None, 'neck.strides': None})
    state = given.state_dict()
    assert {k: v.shape for k, v in inferred.state_dict().items()} == {
        k: v.shape for k, v in state.items()
    }


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (((0, 3), (0, 4), (1, 5), (1, 5)), 'group 1: anchor has label 3 and positive'),
        (((0, 3), (0, 3), (1, 5), (2, 5)), 'negative has label 1 and second_negative'),
        (((0, 3), (0, 3), (1, 3), (1, 3)), 'group 1: .* should be different'),
        (((0,), (0,), (1,)), '3 images'),
    ],
)
def test_a_batch_without_groups_names_the_sampler(labels, message):
    with pytest.raises(ValueError, match=f'{message}.*mmqcs.QuadrupletBatchSampler'):
        build()(*batch(labels), mode='loss')


def test_dcs_names_the_pair_sampler():
    with pytest.raises(ValueError, match='groups of 2 .*mmqcs.PairBatchSampler'):
        build('pair')(*batch(((0, 1), (0, 2))), mode='loss')


def test_bad_options():
    with pytest.raises(ValueError, match="statistics must be .* got 'x'"):
        build(statistics='x')
    with pytest.raises(ValueError, match='blend images of different classes'):
        build(train_cfg=dict(augments=dict(type='Mixup', alpha=0.2)))


@pytest.mark.parametrize('place', ['head', 'cross.head'])
def test_heads_for_several_labels_are_refused(place):
    head = dict(
        type='MultiLabelLinearClsHead', num_classes=7, in_channels=96, _delete_=True
    )
    with pytest.raises(ValueError, match=f'^{place} is a MultiLabelLinearClsHead'):
        build(**{place: head})


@pytest.mark.parametrize('soft', [False, True])
def test_curves_by_loops(soft):
    logits = torch.randn(2, 4, 7, dtype=torch.float64)
    labels = torch.tensor([0, 3, 0, 3])
    target = torch.eye(7)[labels] * 0.65 + 0.05 if soft else labels
    curves = group_curves(logits, labels, target, PAIR)
    expected = {}
    for head, scores in zip(('base', 'cross'), logits, strict=True):
        correct = (scores.argmax(1) == labels).tolist()
        expected[f'accuracy_{head}'] = 25.0 * sum(map(bool, correct))
        for branch, rows in (('anchor', (0, 1)), ('positive', (2, 3))):
            total = 0.0
            for i in rows:
                log_p = torch.log_softmax(scores[i], 0)
                weights = target[i] if soft else torch.eye(7)[labels[i]]
                total -= sum(float(w * p) for w, p in zip(weights, log_p, strict=True))
            expected[f'ce_{head}/{branch}'] = total / 2
    assert {k: float(v) for k, v in curves.items()} == pytest.approx(expected, rel=1e-5)
