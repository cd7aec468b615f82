"""The eight published recipes: each config against the table of the published runs."""

from typing import NamedTuple

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from published_case import write_published
from reference_case import weights

from mmqcs.checkpoints.reference.convert import convert_published_file
from mmqcs.registry import MODELS


class Recipe(NamedTuple):
    lr: float
    anchors: int
    epochs: int
    resize: int
    crop: int | None
    rotate: int | None
    jitter: bool
    erase: tuple[float, float]
    fraction: float | None  # of an epoch, balanced; None: every image once
    negative: str | None
    dropout: tuple[float, float]  # base, cross
    residual: str
    classes: int


TABLE = {
    'qcs_ir50_raf': Recipe(
        3e-6, 24, 200, 224, None, None, True, (0.02, 0.1), None, 'natural',
        (0, 0), 'normed', 7,
    ),
    'qcs_ir50_ferplus': Recipe(
        3.5e-6, 24, 150, 232, 224, 10, True, (0.02, 0.1), None, 'natural',
        (0, 0.2), 'normed', 8,
    ),
    'qcs_ir50_affectnet7': Recipe(
        4e-6, 24, 150, 236, 224, 12, True, (0.03, 0.1), 1 / 12, 'uniform',
        (0, 0.4), 'normed', 7,
    ),
    'qcs_ir50_affectnet8': Recipe(
        4e-6, 24, 100, 236, 224, 12, True, (0.03, 0.1), 1 / 12, 'uniform',
        (0, 0), 'normed', 8,
    ),
    'dcs_ir50_raf': Recipe(
        9e-6, 48, 200, 224, None, None, True, (0.02, 0.1), None, None,
        (0, 0.2), 'normed', 7,
    ),
    'dcs_ir50_ferplus': Recipe(
        8e-6, 24, 150, 234, 224, 10, True, (0.02, 0.1), None, None,
        (0, 0.2), 'input', 8,
    ),
    'dcs_ir50_affectnet7': Recipe(
        9e-6, 48, 100, 236, 224, 12, True, (0.03, 0.1), 1 / 8, None,
        (0, 0.4), 'normed', 7,
    ),
    'dcs_ir50_affectnet8': Recipe(
        8e-6, 48, 50, 224, None, None, False, (0.02, 0.1), 1 / 8, None,
        (0.2, 0.5), 'input', 8,
    ),
}  # fmt: skip


@pytest.fixture(params=TABLE.items(), ids=TABLE)
def config_and_row(request):
    name, row = request.param
    return Config.fromfile(ROOT / f'configs/qcs/{name}.py'), row


def by_type(pipeline):
    return {transform['type']: transform for transform in pipeline}


def test_schedule(config_and_row):
    cfg, row = config_and_row
    assert cfg.optim_wrapper.type == 'mmqcs.SAMOptimWrapper'
    assert cfg.optim_wrapper.rho == 0.05
    assert not cfg.optim_wrapper.get('adaptive', False)
    expected = dict(type='Adam', lr=row.lr, weight_decay=0, fused=True)
    assert cfg.optim_wrapper.optimizer == expected
    assert cfg.param_scheduler == dict(type='ExponentialLR', gamma=0.98, by_epoch=True)
    assert cfg.train_cfg.max_epochs == row.epochs


def test_groups(config_and_row):
    cfg, row = config_and_row
    loader = cfg.train_dataloader
    assert loader.batch_size == row.anchors
    if row.fraction is None:
        assert loader.sampler == dict(type='DefaultSampler', shuffle=True)
    else:
        assert loader.sampler == dict(
            type='mmqcs.BalancedSampler', fraction=row.fraction
        )
    expected = (
        dict(type='mmqcs.PairBatchSampler')
        if row.negative is None
        else dict(type='mmqcs.QuadrupletBatchSampler', negative=row.negative)
    )
    assert loader.batch_sampler == expected


def test_augmentation(config_and_row):
    cfg, row = config_and_row
    geometry = dict(type='mmqcs.SampleFace', resize=row.resize, step=2)
    geometry |= dict(crop=row.crop) if row.crop else {}
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        test = by_type(loader.dataset.pipeline)
        assert test.pop('mmqcs.SampleFace') == geometry
        assert not set(test) - {'LoadImageFromFile', 'mmqcs.CropFace', 'PackInputs'}
    geometry |= dict(flip=0.5)
    geometry |= dict(random_crop=True) if row.crop else {}
    geometry |= dict(rotate=row.rotate) if row.rotate else {}
    train = by_type(cfg.train_dataloader.dataset.pipeline)
    assert train['mmqcs.SampleFace'] == geometry
    jitter = {
        k: v for k, v in train.get('mmqcs.JitterColor', {}).items() if k != 'type'
    }
    expected = dict(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1)
    assert jitter == (expected if row.jitter else {})
    erasing = cfg.model.data_preprocessor.erasing
    assert erasing == dict(p=0.5, scale=row.erase, ratio=(0.3, 3.3), value=0, step=2)


def test_model(config_and_row):
    cfg, row = config_and_row
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert model.ring.size == (2 if row.negative is None else 4)
    encoders = model.neck.encoder, model.cross.encoder
    assert tuple(encoder.drop.p for encoder in encoders) == row.dropout
    assert [len(encoder.blocks) for encoder in encoders] == [2, 1]
    levels = model.cross.attention.levels
    assert levels.residual == row.residual
    assert levels.mode == ('S' if row.negative is None else 'SD')
    for head in (model.head, model.cross.head):
        assert head.num_classes == row.classes
    assert model.data_preprocessor.num_classes == row.classes
    assert model.statistics == 'branch'


@pytest.mark.parametrize('name', ['raf', 'ferplus'])
def test_started_from_affectnet8(name):
    """The backbone's weights are the only difference."""
    plain = Config.fromfile(ROOT / f'configs/qcs/qcs_ir50_{name}.py')
    started = Config.fromfile(ROOT / f'configs/qcs/qcs_ir50_{name}_affectnet8-pre.py')
    init = started.model.backbone.pop('init_cfg')
    assert init['prefix'] == 'backbone.'
    assert init['checkpoint'].endswith('qcs_ir50_affectnet8.pth')
    plain.model.backbone.pop('init_cfg')
    assert started.to_dict() == plain.to_dict()


def test_the_converted_affectnet8_weights_reach_the_backbone_alone(tmp_path):
    """From a published file through the converter to the weights a run starts from."""
    source = write_published(
        tmp_path / 'published.pth', weights_of_affectnet8(), best_acc=64.30
    )
    checkpoint = tmp_path / 'qcs_ir50_affectnet8.pth'
    converted = convert_published_file(source)
    assert converted['meta']['recipe'] == 'qcs_ir50_affectnet8'
    torch.save(converted, checkpoint)

    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_raf_affectnet8-pre.py')
    cfg.model.backbone.init_cfg.checkpoint = str(checkpoint)
    model = MODELS.build(cfg.model)
    model.init_weights()
    started = model.state_dict()
    same = {k for k, v in converted['state_dict'].items() if torch.equal(v, started[k])}
    assert same == {key for key in started if key.startswith('backbone.')}


def weights_of_affectnet8():
    state = weights('qcs_raf_keys.json', salt='affectnet8')
    for path in ('VIT_base', 'VIT_cross'):
        for name in ('weight', 'bias'):
            key = f'{path}.head.linear.{name}'
            state[key] = torch.cat([state[key], state[key][:1]])
    return {f'module.{key}': value for key, value in state.items()}
