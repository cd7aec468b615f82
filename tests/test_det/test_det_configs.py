"""Every config of a detector: trains from its data, and predicts."""

import pytest
import torch
from det_case import ROOT  # first: skips without MMDetection
from mmdet.registry import METRICS, MODELS
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

CONFIGS = sorted(path.name for path in (ROOT / 'configs/det').glob('*.py'))


@pytest.fixture(scope='module', params=CONFIGS)
def cfg(request, scenes):
    """A config on a few small scenes, without weights that a user has."""
    cfg = Config.fromfile(ROOT / 'configs/det' / request.param)
    cfg.model.backbone.init_cfg = None
    coco = cfg.train_dataloader.dataset.type == 'CocoDataset'
    root = scenes['coco' if coco else 'widerface']
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        loader.dataset.data_root = f'{root}/'
        for step in loader.dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (64, 64)
    if coco:
        for split in ('val', 'test'):
            cfg[f'{split}_evaluator'].ann_file = f'{root}/annotations/val.json'
    return cfg


@pytest.fixture(scope='module')
def model(cfg):
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def test_trains_two_iterations(cfg, model):
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    model.train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before = [p.detach().clone() for p in model.backbone.parameters()]
    for _, batch in zip(range(2), loader, strict=False):
        logs = model.train_step(batch, wrapper)
        assert torch.isfinite(logs['loss'])
    assert all(
        not torch.equal(a, b)
        for a, b in zip(before, model.backbone.parameters(), strict=True)
    )
    has_cross = cfg.model.get('roi_head', {}).get('type') == 'mmqcs.QCSRoIHead'
    assert ('loss_cross' in logs) == has_cross


def test_predicts_and_is_measured(cfg, model):
    loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    model.eval()
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = loader.dataset.metainfo
    seen = 0
    for batch in loader:
        with torch.no_grad():
            predictions = model.test_step(batch)
        for sample in predictions:
            found = sample.pred_instances
            seen += 1
            assert found.bboxes.shape == (len(found.scores), 4)
            assert (found.bboxes >= 0).all()
            assert (found.labels < len(loader.dataset.metainfo['classes'])).all()
        metric.process(batch, [sample.to_dict() for sample in predictions])
    assert seen == len(loader.dataset) == 4
    values = metric.evaluate(size=4)
    assert any('mAP' in name for name in values)


def test_heads_fit_the_classes(cfg, model):
    dataset = Runner.build_dataloader(cfg.test_dataloader, seed=0).dataset
    classes = len(dataset.metainfo['classes'])
    head = getattr(model, 'roi_head', model).bbox_head
    assert head.num_classes == classes
    if hasattr(getattr(model, 'roi_head', None), 'cross'):
        assert model.roi_head.cross.head.num_classes == classes


def test_the_two_faster_rcnn_differ_by_the_cross_branch_alone():
    stem = 'faster-rcnn_ir-small_fpn_synthfer.py'
    plain, qcs = (
        Config.fromfile(ROOT / 'configs/det' / f'{prefix}{stem}').to_dict()
        for prefix in ('', 'qcs_')
    )
    head = qcs['model']['roi_head']
    assert head.pop('type') == 'mmqcs.QCSRoIHead'
    assert plain['model']['roi_head'].pop('type') == 'StandardRoIHead'
    for name in ('cross', 'max_groups'):
        head.pop(name)
    for name in ('linear_init', 'channels'):
        qcs.pop(name), plain.pop(name, None)
    assert qcs == plain
