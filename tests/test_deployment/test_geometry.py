"""The steps of a deployment, against the transforms of the test pipelines."""

import numpy as np
import pytest
from mmengine import Config
from mmengine.dataset import Compose

from mmqcs.deployment.geometry import (
    CenterCrop,
    Resize,
    ResizeEdge,
    Subsample,
    apply_steps,
    step_from_dict,
    step_to_dict,
)
from mmqcs.export.pipeline import ExportError, read_pipeline

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
    'none': [],
}
SIZES = [(100, 100), (48, 48), (123, 99), (61, 130), (300, 257)]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name', PIPELINES)
def test_pixels_are_those_of_the_pipeline(name, size):
    pipeline = Compose([*PIPELINES[name], PACK])
    loading, steps = read_pipeline(pipeline.transforms)
    assert loading == []
    steps = tuple(step_from_dict(step_to_dict(step)) for step in steps)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    expected = pipeline({'img': image.copy()})['inputs'].permute(1, 2, 0).numpy()
    assert np.array_equal(apply_steps(image, steps), expected)


def test_a_small_image_is_not_cropped():
    image = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    assert np.array_equal(CenterCrop(6, 4)(image), image[:, 2:6])


def test_loading_is_told_from_shaping():
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmqcs.CropFace'),
        dict(type='mmqcs.SampleFace', resize=236, crop=224, step=2),
        PACK,
    ]
    loading, steps = read_pipeline(Compose(pipeline).transforms)
    assert [type(t).__name__ for t in loading] == ['LoadImageFromFile', 'CropFace']
    assert steps[1:] == (CenterCrop(224, 224), Subsample(2))
    assert (steps[0].height, steps[0].width, steps[0].backend) == (236, 236, 'pillow')


@pytest.mark.parametrize(
    ('transforms', 'message'),
    [
        ([dict(type='Resize', scale_factor=0.5), PACK], 'not known'),
        ([dict(type='Resize', scale=64, keep_ratio=True), PACK], 'not known'),
        ([dict(type='RandomFlip', prob=0.5), PACK], 'RandomFlip'),
        ([dict(type='CenterCrop', crop_size=8, auto_pad=True), PACK], 'not known'),
        ([dict(type='mmqcs.SampleFace', resize=64, flip=0.5), PACK], 'at random'),
        (
            [
                dict(type='Resize', scale=64, backend='pillow', interpolation='box'),
                PACK,
            ],
            "no 'box' interpolation",
        ),
        ([dict(type='Resize', scale=64)], 'PackInputs'),
        ([], 'PackInputs'),
    ],
)
def test_what_cannot_be_described_is_named(transforms, message):
    with pytest.raises(ExportError, match=message):
        read_pipeline(Compose(transforms).transforms)


@pytest.mark.parametrize(
    'settings',
    [
        {'type': 'Rotate'},
        {'type': 'Subsample'},
        {'type': 'Subsample', 'step': 2, 'angle': 1},
        {'type': 'Resize', 'height': 3, 'width': 3, 'interpolation': 'best'},
    ],
)
def test_an_unknown_step_is_refused(settings):
    with pytest.raises(ValueError, match='step|interpolation'):
        step_from_dict(settings)


def test_all_recipes_can_be_described():
    from conftest import ROOT

    found = []
    for path in sorted((ROOT / 'configs/qcs').glob('*.py')):
        pipeline = Config.fromfile(path).test_dataloader.dataset.pipeline
        found += read_pipeline(Compose(pipeline).transforms)[1][:1]
    assert len(found) > 10
    assert all(isinstance(step, Resize | ResizeEdge) for step in found)
