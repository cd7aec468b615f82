"""What is read off config, checkpoint and data before an export."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.config import Config
from mmengine.dataset import Compose

from mmqcs.deployment.geometry import CenterCrop, Resize, apply_steps
from mmqcs.deployment.onnx_classifier import normalise
from mmqcs.export.errors import ExportError
from mmqcs.export.faces import FaceData
from mmqcs.export.subject import (
    class_names,
    compare_pixels,
    face_template,
    read_subject,
)

CONFIG = str(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')


def test_small_model(small_config, small_checkpoint):
    subject = read_subject(small_config, CONFIG, small_checkpoint, 'normalised', 5)
    about = subject.description
    assert about.config == 'qcs_ir-small_synthfer'
    assert about.input_size == (64, 64)
    assert about.steps == (
        Resize(height=72, width=72, interpolation='area'),
        CenterCrop(64, 64),
    )
    assert about.swap_channels
    assert len(subject.faces) == len(subject.inputs) == 5
    for face, image in zip(subject.faces, subject.inputs, strict=True):
        assert np.array_equal(normalise(apply_steps(face, about.steps), about), image)
    assert np.array_equal(subject.expected, subject.by_pipeline)


def test_pixels_are_what_the_data_loader_gives(small_config, small_checkpoint):
    subject = read_subject(small_config, CONFIG, small_checkpoint, 'pixels', 99)
    assert len(subject.inputs) == 14  # all there are
    expected = subject.data.first(14)['inputs'].permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.stack(subject.inputs), expected)


def test_calibration_is_on_the_training_set_by_the_test_pipeline(small_config):
    data = FaceData(small_config)
    batches = list(data.calibration(20))
    assert [len(batch['inputs']) for batch in batches] == [16, 4]
    paths = [s.img_path for batch in batches for s in batch['data_samples']]
    assert len(set(paths)) == 20
    assert all('train_' in path for path in paths)
    pipeline = Compose(small_config.test_dataloader.dataset.pipeline)
    expected = pipeline({'img_path': paths[3], 'gt_label': 0})['inputs']
    assert torch.equal(batches[0]['inputs'][3], expected)
    assert sum(len(b['inputs']) for b in data.calibration(1000)) == 28


def test_what_cannot_be_described_stands_in_the_file(small_config, small_checkpoint):
    config = deepcopy(small_config)
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline.insert(2, dict(type='RandomFlip', prob=0.0))
    subject = read_subject(config, CONFIG, small_checkpoint, 'normalised', 2)
    assert subject.faces == []
    assert subject.description.steps is None
    assert 'RandomFlip' in subject.description.problem
    with pytest.raises(ExportError, match='cannot be included: .*RandomFlip'):
        read_subject(config, CONFIG, small_checkpoint, 'faces', 2)


def test_class_names_must_agree():
    abc = ('a', 'b', 'c')
    assert class_names(3, abc, abc) == abc
    assert class_names(3, None, abc) == abc
    assert class_names(3, abc, None) == abc
    assert class_names(3, None, None) == ('0', '1', '2')
    with pytest.raises(ExportError, match=r'test set has 2 classes \(a, b\).* 3 score'):
        class_names(3, ('a', 'b'), abc)
    with pytest.raises(ExportError, match='other classes than the test set: .*b, a, c'):
        class_names(3, ('b', 'a', 'c'), abc)


def test_pixels_may_be_a_level_off_but_not_two():
    pixels = torch.full((1, 3, 2, 2), 7, dtype=torch.uint8)
    compare_pixels(pixels.double() + 1, pixels)
    with pytest.raises(ExportError, match='differ by 2 levels'):
        compare_pixels(pixels.double() - 2, pixels)


def test_the_template_of_the_faces_goes_along():
    config = Config.fromfile(CONFIG)
    template = face_template(config)
    assert np.allclose(template, config.face_template)
    config.pop('face_template')
    assert face_template(config) is None
