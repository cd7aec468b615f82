"""The published transforms give what torchvision's give on Pillow images."""

import random

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmcv.transforms import Compose
from mmengine import Config
from PIL import Image
from torchvision import transforms as tv
from torchvision.transforms import functional as F

from mmqcs.datasets import JitterColor, SampleFace
from mmqcs.datasets.transforms.jitter_color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from mmqcs.datasets.transforms.sample_face import View, sample_view
from mmqcs.registry import MODELS, TRANSFORMS

CONFIGS = sorted(path.stem for path in (ROOT / 'configs/qcs').glob('?cs_ir50_*.py'))
SIZES = [(100, 100), (48, 48), (112, 112), (90, 100), (224, 224), (300, 250), (5, 1)]


def picture(height, width, seed=0):
    """A face-like colourful image with detail at every scale, RGB."""
    rng = np.random.default_rng(seed)
    image = sum(
        cv2.resize(rng.normal(0, 30, (s, s, 3)), (width, height)) for s in (3, 12, 50)
    )
    return np.clip(image + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def photograph(tmp_path_factory):
    """A JPEG, 100 by 90 pixels."""
    path = tmp_path_factory.mktemp('image') / 'face.jpg'
    cv2.imwrite(str(path), picture(100, 90))
    return path


@pytest.mark.parametrize('name', CONFIGS)
def test_the_test_transform_is_bit_equal_to_torchvision(name, photograph):
    """... of whose result the network takes every second pixel."""
    cfg = Config.fromfile(ROOT / f'configs/qcs/{name}.py')
    pipeline = cfg.test_dataloader.dataset.pipeline
    packed = Compose([TRANSFORMS.build(dict(t)) for t in pipeline])(
        {'img_path': str(photograph), 'gt_label': 0}
    )
    (resize,) = [t['resize'] for t in pipeline if t['type'].endswith('SampleFace')]
    steps = [tv.Resize((resize, resize)), tv.CenterCrop(224)]
    expected = tv.Compose(steps)(Image.open(photograph).convert('RGB'))
    pixels = F.pil_to_tensor(expected)
    every_second = torch.nn.functional.interpolate(pixels[None], size=112)[0]
    assert torch.equal(packed['inputs'].flip(0), every_second)

    processor = MODELS.build(cfg.model.data_preprocessor)
    batch = {'inputs': packed['inputs'][None], 'data_samples': [packed['data_samples']]}
    normalise = tv.Compose(
        [tv.ToTensor(), tv.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    )
    torch.testing.assert_close(
        processor(batch)['inputs'][0],
        normalise(expected)[:, ::2, ::2],
        rtol=0,
        atol=1e-6,
    )


def reference(image, view):
    whole = F.resize(Image.fromarray(image), (view.size, view.size))
    if view.angle:
        whole = F.rotate(whole, view.angle)
    crop = F.crop(whole, view.top, view.left, view.crop, view.crop)
    crop = F.hflip(crop) if view.flip else crop
    return np.asarray(crop)[:: view.step, :: view.step]


def largest_error(image):
    """Levels by which OpenCV's warping may differ from exact interpolation.

    Before version 5 it rounds positions to a 32nd of a pixel, so by a 64th at most:
    the error grows with the difference of neighbouring pixels.
    """
    if int(cv2.__version__.split('.')[0]) >= 5:
        return 2
    pixels = image.astype(int)
    steps = [abs(np.diff(pixels, axis=i)).max(initial=0) for i in (0, 1)]
    return 1 + sum(steps) / 64


@pytest.mark.parametrize('step', [1, 2, 4])
@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('size', SIZES)
def test_views_are_those_of_torchvision(size, flip, step):
    image = picture(*size)
    for corner, side in (((0, 0), 224), ((5, 11), 236)):
        view = View(side, *corner, 224, step, flip)
        expected = reference(image, view)
        assert np.array_equal(sample_view(image, view), expected)
        quick = sample_view(image, view, exact=False).astype(int)
        assert abs(quick - expected).max() <= largest_error(image)
        assert abs(quick - expected).mean() < 0.3


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle', [-11.9, 0.4, 7.3, 90])
def test_rotated_views_are_those_of_torchvision(angle, flip):
    image = picture(100, 100)
    view = View(232, 3, 8, 224, 2, flip, angle)
    differ = (sample_view(image, view) != reference(image, view)).any(axis=-1)
    assert differ.mean() < 0.005  # sources on the border of two pixels


def test_draws_of_the_geometry():
    random.seed(0)
    transform = SampleFace(236, crop=224, step=2, random_crop=True, rotate=12, flip=0.5)
    views = [transform.view() for _ in range(4000)]
    assert {v.left for v in views} == {v.top for v in views} == set(range(13))
    angles = np.array([v.angle for v in views])
    assert -12 <= angles.min() < -11.9
    assert 11.9 < angles.max() <= 12
    assert abs(np.mean([v.flip for v in views]) - 0.5) < 0.03
    assert not SampleFace(236, crop=224).is_random
    assert SampleFace(236, crop=224).view() == View(236, 6, 6, 224)


ADJUSTMENTS = [
    (adjust_brightness, F.adjust_brightness, (0.8, 1.0, 1.2), 0, 0),
    (adjust_contrast, F.adjust_contrast, (0.8, 1.0, 1.2), 1, 0.5),
    (adjust_saturation, F.adjust_saturation, (0.8, 1.0, 1.2), 2, 0.3),
    (adjust_hue, F.adjust_hue, (-0.1, 0.0, 0.03, 0.1), 12, 1.2),
]


@pytest.mark.parametrize(('ours', 'theirs', 'factors', 'most', 'mean'), ADJUSTMENTS)
def test_colours_are_those_of_torchvision_but_for_rounding(
    ours, theirs, factors, most, mean
):
    for seed in range(3):
        image = picture(112, 112, seed)
        for factor in factors:
            expected = np.asarray(theirs(Image.fromarray(image), factor)).astype(int)
            difference = abs(ours(image[..., ::-1], factor)[..., ::-1] - expected)
            assert difference.max() <= most
            assert difference.mean() <= mean


def test_draws_of_the_colours():
    random.seed(0)
    transform = JitterColor(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1)
    drawn = [transform.operations() for _ in range(3000)]
    orders = {tuple(function.__name__ for function, _ in each) for each in drawn}
    assert len(orders) == 24
    for function, low, high in (
        (adjust_brightness, 0.8, 1.2),
        (adjust_hue, -0.1, 0.1),
    ):
        factors = [x for each in drawn for f, x in each if f is function]
        assert len(factors) == 3000
        edge = 0.01 * (high - low)
        assert low <= min(factors) < low + edge
        assert high - edge < max(factors) <= high
    assert JitterColor(hue=0.1).operations()[0][0] is adjust_hue
    assert len(JitterColor(hue=0.1).operations()) == 1


def test_the_seed_decides(photograph):
    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_ferplus.py')
    pipeline = cfg.train_dataloader.dataset.pipeline
    compose = Compose([TRANSFORMS.build(dict(t)) for t in pipeline])

    def run(seed):
        random.seed(seed)
        return compose({'img_path': str(photograph), 'gt_label': 0})['inputs']

    assert run(1).shape == (3, 112, 112)
    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(resize=200, crop=224), 'crop must be ≤ resize'),
        (dict(resize=225, step=2), 'multiple of step'),
        (dict(resize=224, flip=2), 'flip must be a probability'),
    ],
)
def test_bad_geometry(settings, message):
    with pytest.raises(ValueError, match=message):
        SampleFace(**settings)


def test_bad_images_and_colours():
    with pytest.raises(ValueError, match=r'needs an image .* got \(4, 4\) and float64'):
        SampleFace(224)({'img': np.zeros((4, 4))})
    with pytest.raises(ValueError, match='hue ≤ 0.5'):
        JitterColor(hue=0.6)
