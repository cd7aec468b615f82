"""The published transforms are torchvision's, on the pixels that Pillow decodes."""

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmcv.transforms import Compose
from mmengine import Config
from PIL import Image
from torchvision import transforms as tv

from mmqcs.registry import MODELS, TRANSFORMS

CONFIGS = sorted(path.stem for path in (ROOT / 'configs/qcs').glob('?cs_ir50_*.py'))


@pytest.fixture(scope='module')
def photograph(tmp_path_factory):
    """A JPEG with detail at every scale, 100 by 90 pixels."""
    rng = np.random.default_rng(0)
    image = sum(
        cv2.resize(rng.normal(0, 30, (s, s, 3)), (90, 100)) for s in (3, 12, 50)
    )
    path = tmp_path_factory.mktemp('image') / 'face.jpg'
    cv2.imwrite(str(path), np.clip(image + 128, 0, 255).astype(np.uint8))
    return path


@pytest.mark.parametrize('name', CONFIGS)
def test_the_test_transform_is_bit_equal_to_torchvision(name, photograph):
    cfg = Config.fromfile(ROOT / f'configs/qcs/{name}.py')
    pipeline = cfg.test_dataloader.dataset.pipeline
    packed = Compose([TRANSFORMS.build(dict(t)) for t in pipeline])(
        {'img_path': str(photograph), 'gt_label': 0}
    )
    resize = next(t['size'] for t in pipeline if t['type'].endswith('Resize'))
    steps = [tv.Resize(tuple(resize)), tv.CenterCrop(224)]
    expected = tv.Compose(steps)(Image.open(photograph).convert('RGB'))
    pixels = tv.functional.pil_to_tensor(expected)
    assert torch.equal(packed['inputs'].flip(0), pixels)

    processor = MODELS.build(cfg.model.data_preprocessor)
    batch = {'inputs': packed['inputs'][None], 'data_samples': [packed['data_samples']]}
    normalise = tv.Compose(
        [tv.ToTensor(), tv.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    )
    torch.testing.assert_close(
        processor(batch)['inputs'][0], normalise(expected), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize('name', CONFIGS)
def test_the_random_transforms_are_torchvisions_own(name):
    """Same code, same distribution; the pipeline only hands Pillow images over."""
    cfg = Config.fromfile(ROOT / f'configs/qcs/{name}.py')
    names = []
    for transform in cfg.train_dataloader.dataset.pipeline:
        if 'Random' in transform['type'] or 'Jitter' in transform['type']:
            names.append(transform['type'].split('/')[-1])
            wrapped = TRANSFORMS.build(dict(transform)).t
            assert type(wrapped) is getattr(tv, names[-1])
    assert 'RandomHorizontalFlip' in names
    assert type(MODELS.build(cfg.model.data_preprocessor).erasing) is tv.RandomErasing
