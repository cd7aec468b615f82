"""Reading the steps off a test pipeline, and faces for calibration."""

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.dataset import Compose

from mmqcs.deployment.steps import (
    CenterCrop,
    Resize,
    Subsample,
    apply_steps,
    step_from_dict,
    step_to_dict,
)
from mmqcs.export.pipeline import ConfigFaces, ExportError, read_pipeline

PACK = dict(type='PackInputs')
PIPELINES = {
    'published': [dict(type='mmqcs.SampleFace', resize=224, step=2)],
    'published, cropped': [dict(type='mmqcs.SampleFace', resize=236, crop=224, step=2)],
    'small': [
        dict(type='Resize', scale=(72, 72), interpolation='area'),
        dict(type='CenterCrop', crop_size=64),
    ],
    'oblong': [
        dict(type='Resize', scale=(50, 70)),
        dict(type='CenterCrop', crop_size=(45, 61)),
    ],
    'ImageNet': [
        dict(type='ResizeEdge', scale=81, edge='short', backend='pillow'),
        dict(type='CenterCrop', crop_size=64),
    ],
    'ImageNet, bicubic': [
        dict(
            type='ResizeEdge',
            scale=80,
            edge='short',
            backend='pillow',
            interpolation='bicubic',
        ),
        dict(type='CenterCrop', crop_size=64),
    ],
    'long edge': [dict(type='ResizeEdge', scale=64, edge='long')],
    'box': [dict(type='Resize', scale=64, backend='pillow', interpolation='box')],
    'none': [],
}
SIZES = [(100, 100), (48, 48), (123, 99), (61, 130), (300, 257)]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name', PIPELINES)
def test_steps_give_the_pixels_of_the_pipeline(name, size):
    pipeline = Compose([*PIPELINES[name], PACK])
    loading, steps = read_pipeline(pipeline.transforms)
    assert loading == 0
    steps = tuple(step_from_dict(step_to_dict(step)) for step in steps)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    expected = pipeline({'img': image.copy()})['inputs'].permute(1, 2, 0).numpy()
    assert np.array_equal(apply_steps(image, steps), expected)


def test_loading_and_cropping_come_before_the_steps():
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmqcs.CropFace'),
        dict(type='mmqcs.SampleFace', resize=236, crop=224, step=2),
        PACK,
    ]
    loading, steps = read_pipeline(Compose(pipeline).transforms)
    assert loading == 2
    resize = Resize(236, 236, backend='pillow')
    assert steps == (resize, CenterCrop(224, 224), Subsample(2))


@pytest.mark.parametrize(
    ('transforms', 'message'),
    [
        ([dict(type='Resize', scale_factor=0.5), PACK], 'scale_factor'),
        ([dict(type='Resize', scale=64, keep_ratio=True), PACK], 'keep_ratio=True'),
        ([dict(type='RandomFlip', prob=0.5), PACK], 'RandomFlip'),
        ([dict(type='CenterCrop', crop_size=8, auto_pad=True), PACK], 'CenterCrop'),
        ([dict(type='mmqcs.SampleFace', resize=64, flip=0.5), PACK], 'flip=0.5'),
        ([dict(type='Resize', scale=64, interpolation='box'), PACK], 'box'),
        ([dict(type='Resize', scale=64)], 'PackInputs'),
        ([], 'PackInputs'),
    ],
)
def test_unsupported_transforms_are_named(transforms, message):
    with pytest.raises(ExportError, match=message):
        read_pipeline(Compose(transforms).transforms)


def test_all_recipes_are_supported():
    paths = sorted((ROOT / 'configs/qcs').glob('*.py'))
    assert len(paths) > 10
    for path in paths:
        pipeline = Config.fromfile(path).test_dataloader.dataset.pipeline
        assert isinstance(read_pipeline(Compose(pipeline).transforms)[1][0], Resize)


def test_calibration_uses_training_faces_and_the_test_pipeline(small_config):
    data = ConfigFaces(small_config)
    batches = list(data.train_batches(20))
    assert [len(batch.images) for batch in batches] == [16, 4]
    paths = [sample.img_path for batch in batches for sample in batch.samples]
    assert len(set(paths)) == 20
    assert all('train_' in path for path in paths)
    pipeline = Compose(small_config.test_dataloader.dataset.pipeline)
    expected = pipeline({'img_path': paths[3], 'gt_label': 0})['inputs']
    assert torch.equal(batches[0].images[3], expected)
    assert sum(len(batch.images) for batch in data.train_batches(1000)) == 28
