"""QCS among the regions of a batch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from det_case import ROOT  # first: skips without MMDetection
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules import AssignResult, SamplingResult
from mmdet.structures import DetDataSample
from mmengine import Config
from mmengine.registry import MODELS
from mmengine.structures import InstanceData

from mmqcs.functional import QUADRUPLET, draw_groups
from mmqcs.models.roi_heads import qcs_roi_head

CONFIG = ROOT / 'configs/det/qcs_faster-rcnn_ir-small_fpn_synthfer.py'


def head_cfg(**kwargs):
    cfg = Config.fromfile(CONFIG).model
    parts = dict(train_cfg=cfg.train_cfg.rcnn, test_cfg=cfg.test_cfg.rcnn)
    return {**cfg.roi_head, **parts, **kwargs}


def make(**kwargs):
    head = MODELS.build(head_cfg(**kwargs))
    head.init_weights()
    return head.train()


def sampled(labels, objects, negatives):
    """Sampled regions of an image: positives of given faces, and background."""
    count = len(labels) + negatives
    num_gts = max(objects, default=-1) + 1
    gt_inds = torch.tensor([*(i + 1 for i in objects), *[0] * negatives])
    assigned = AssignResult(
        num_gts, gt_inds, torch.rand(count), torch.tensor([*labels, *[-1] * negatives])
    )
    priors = torch.rand(count, 4)
    priors[:, 2:] += 1
    positive, negative = torch.arange(count).split((len(labels), negatives))
    return SamplingResult(
        positive,
        negative,
        priors=priors,
        gt_bboxes=torch.rand(num_gts, 4),
        assign_result=assigned,
        gt_flags=torch.zeros(count, dtype=torch.uint8),
    )


# two images of three and two faces; class 5 has a single face
BATCH = (([0, 0, 3, 5], [0, 0, 1, 2], 3), ([0, 3, 3], [0, 1, 1], 2))
LABELS = np.array([0, 0, 3, 5, 0, 3, 3])
ROWS = np.array([0, 1, 2, 3, 7, 8, 9])  # of the positives among all regions
FACES = np.array([0, 0, 1, 2, 3, 4, 4])


def batch():
    return [sampled(*image) for image in BATCH], torch.rand(12, 64, 7, 7)


def test_the_loss_is_that_of_the_cross_branch_on_the_groups(monkeypatch):
    results, feats = batch()
    head = make(seed=3)
    seen = []

    def spy(*args, **kwargs):
        seen.append(draw_groups(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr(qcs_roi_head, 'draw_groups', spy)
    losses = head.cross_loss(feats, results)
    (groups,) = seen
    assert losses['num_groups'] == groups.shape[1] == 6  # all but class 5
    assert QUADRUPLET.violation(LABELS[groups].tolist()) is None
    assert (FACES[groups[0]] != FACES[groups[1]]).all()
    assert (FACES[groups[2]] != FACES[groups[3]]).all()

    tokens = torch.stack(
        [feats[ROWS[i]].reshape(64, 49).T for row in groups for i in row]
    )
    refined = head.cross.attention.refine(tokens)
    logits = head.cross.head((head.cross.encoder(tokens + refined),))
    target = torch.tensor([LABELS[i] for row in groups for i in row])
    assert losses['loss_cross'].item() == pytest.approx(
        F.cross_entropy(logits, target).item(), rel=1e-5
    )


def test_the_gradient_flows_to_the_regions_of_the_groups_alone():
    results, feats = batch()
    feats.requires_grad_()
    make().cross_loss(feats, results)['loss_cross'].backward()
    moved = feats.grad.flatten(1).abs().sum(1) > 0
    assert moved.nonzero().ravel().tolist() == [0, 1, 2, 7, 8, 9]


def test_the_groups_are_drawn_from_the_seed():
    results, feats = batch()
    losses = {
        seed: [make_losses(seed, feats, results) for _ in range(2)] for seed in (0, 1)
    }
    assert losses[0][0] == losses[0][1]
    assert losses[0][0] != losses[1][0]


def make_losses(seed, feats, results):
    torch.manual_seed(0)
    head = make(seed=seed)
    return [head.cross_loss(feats, results)['loss_cross'].item() for _ in range(2)]


def test_max_groups():
    results, feats = batch()
    assert make(max_groups=2).cross_loss(feats, results)['num_groups'] == 2


@pytest.mark.parametrize(
    'images',
    [
        (([], [], 4), ([], [], 3)),  # background alone
        (([2, 2, 1], [0, 0, 1], 0),),  # views of one face, and a lonely class
        (([2, 2], [0, 1], 2),),  # a single class
    ],
)
def test_no_groups(images):
    results = [sampled(*image) for image in images]
    feats = torch.rand(sum(len(r.priors) for r in results), 64, 7, 7)
    feats.requires_grad_()
    head = make()
    losses = head.cross_loss(feats, results)
    assert losses['loss_cross'] == losses['num_groups'] == 0
    losses['loss_cross'].backward()
    for tensor in (feats, *head.cross.parameters()):
        assert tensor.grad is not None
        assert not tensor.grad.any()


def test_inference_is_that_of_the_standard_head():
    head = make().eval()
    cfg = head_cfg()
    for name in ('cross', 'max_groups'):
        cfg.pop(name)
    standard = MODELS.build(dict(cfg, type='StandardRoIHead')).eval()
    assert type(standard) is StandardRoIHead
    state = {k: v for k, v in head.state_dict().items() if 'cross.' not in k}
    standard.load_state_dict(state)  # strict: the same keys

    x = tuple(torch.rand(1, 64, 24 // i, 24 // i) for i in (1, 2))
    boxes = torch.rand(30, 4) * 90
    boxes[:, 2:] += boxes[:, :2] + 20
    sample = DetDataSample(metainfo=dict(img_shape=(192, 192), scale_factor=(1.0, 1.0)))
    outputs = []
    with torch.no_grad():
        for model in (head, standard):
            proposals = [InstanceData(bboxes=boxes.clone())]
            (found,) = model.predict(x, proposals, [sample])
            outputs.append((found.bboxes, found.scores, found.labels))
    assert len(outputs[0][0])
    for a, b in zip(*outputs, strict=True):
        assert torch.equal(a, b)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='max_groups must be ≥ 1, got 0'):
        make(max_groups=0)
    cfg = head_cfg()
    cfg['cross'].attention.distance_range = 'world'
    with pytest.raises(ValueError, match="distance_range='world' waits"):
        MODELS.build(cfg)
