"""Every config: builds, trains a step, predicts, and gives every feature stage."""

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATA_SAMPLERS
from mmpretrain.apis import ImageClassificationInferencer
from mmpretrain.structures import DataSample

from mmqcs.registry import DATASETS, METRICS, MODELS, TRANSFORMS

CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)


# layout and number of classes of the drawn faces that stand for a data set
LAYOUTS = {
    'mmqcs.RAFDB': ('rafdb', 7),
    'mmqcs.FERPlus': ('ferplus', 8),
    'mmqcs.AffectNet': ('affectnet', 8),
}


@pytest.fixture(scope='module', params=CONFIGS)
def cfg(request):
    cfg = Config.fromfile(ROOT / request.param)
    # weights that a user has; a test of its own says where they go
    cfg.model.backbone.pop('init_cfg', None)
    return cfg


@pytest.fixture(scope='module')
def model(cfg):
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def image_size(cfg):
    """Side of the image that the test pipeline delivers."""
    image = np.zeros((100, 100, 3), np.uint8)
    results = {'img': image, 'img_shape': image.shape[:2]}
    for transform in cfg.test_dataloader.dataset.pipeline[1:-1]:
        results = TRANSFORMS.build(dict(transform))(results)
    return len(results['img'])


def group_batch(cfg, model):
    size = image_size(cfg)
    slots = model.ring.classes()
    images = torch.randint(256, (len(slots), 3, size, size), dtype=torch.uint8)
    samples = [DataSample().set_gt_label(slot) for slot in slots]
    return {'inputs': images, 'data_samples': samples}


def test_trains_a_step(cfg, model):
    model.train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    wrapper.hook_installed = True  # the runner's hook, for SAM
    before = model.backbone.stem[0].weight.detach().clone()
    for _ in range(2):  # SAM updates on the second pass
        logs = model.train_step(group_batch(cfg, model), wrapper)
    assert torch.isfinite(logs['loss'])
    assert not torch.equal(before, model.backbone.stem[0].weight)


def test_predicts(cfg, model):
    model.eval()
    batch = group_batch(cfg, model)
    batch['inputs'], batch['data_samples'] = (v[:1] for v in batch.values())
    with torch.no_grad():
        (prediction,) = model.test_step(batch)
    assert prediction.pred_score.shape == (model.head.num_classes,)
    assert prediction.pred_score.sum().item() == pytest.approx(1)


def test_the_stock_inferencer_takes_it(cfg, model, monkeypatch):
    monkeypatch.setattr(model, '_config', cfg, raising=False)  # as get_model does
    inferencer = ImageClassificationInferencer(model, device='cpu')
    (result,) = inferencer(np.full((100, 100, 3), 128, np.uint8))
    assert len(result['pred_scores']) == model.head.num_classes


@pytest.mark.parametrize('stage', ['backbone', 'neck', 'pre_logits'])
def test_feature_stages(cfg, model, stage):
    model.eval()
    size = image_size(cfg)
    with torch.no_grad():
        features = model.extract_feat(torch.rand(1, 3, size, size), stage=stage)
    if stage == 'pre_logits':
        assert features.shape[0] == 1
        assert features.ndim == 2
    else:
        assert isinstance(features, tuple)
        assert len(features) <= len(model.backbone.out_indices)


def test_the_rest_builds(cfg, drawn_root):
    """Data sets with their pipelines, samplers, metrics; on a small tree."""
    root = drawn_root(*LAYOUTS[cfg.train_dataloader.dataset.type])
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        dataset = DATASETS.build(dict(loader.dataset, data_root=str(root)))
        assert len(dataset.CLASSES) == cfg.model.head.num_classes
        item = dataset[0]
        assert item['inputs'].shape == (3, image_size(cfg), image_size(cfg))
        sampler = DATA_SAMPLERS.build(dict(loader.sampler, dataset=dataset, seed=0))
        if split == 'train':
            batches = DATA_SAMPLERS.build(
                dict(loader.batch_sampler, sampler=sampler, batch_size=2)
            )
            labels = dataset.get_gt_labels()[next(iter(batches))]
            ring = MODELS.get('mmqcs.CSANeck')(
                8, group=cfg.model.cross.attention.group
            ).ring
            assert ring.violation(labels.reshape(ring.size, -1).tolist()) is None
        else:
            METRICS.build(cfg[f'{split}_evaluator'])


def test_published_recipe_of_qcs_on_raf_db():
    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_raf.py')
    assert cfg.optim_wrapper == dict(
        type='mmqcs.SAMOptimWrapper',
        rho=0.05,
        optimizer=dict(type='Adam', lr=3e-6, weight_decay=0, fused=True),
    )
    assert cfg.train_dataloader.batch_size == 24
    assert cfg.train_cfg.max_epochs == 200
    assert cfg.param_scheduler == dict(type='ExponentialLR', gamma=0.98, by_epoch=True)


def test_published_recipe_of_dcs_on_raf_db():
    cfg = Config.fromfile(ROOT / 'configs/qcs/dcs_ir50_raf.py')
    assert cfg.optim_wrapper.optimizer.lr == 9e-6
    assert cfg.train_dataloader.batch_size == 48
    assert cfg.train_dataloader.batch_sampler == dict(type='mmqcs.PairBatchSampler')
    model = MODELS.build(cfg.model)
    assert model.ring.size == 2
    assert model.cross.encoder.drop.p == 0.2
    assert model.neck.encoder.drop.p == 0
