"""What an export reads from config, checkpoint and data."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict

from mmqcs.deployment.onnx_classifier import normalise
from mmqcs.deployment.steps import CenterCrop, Resize, apply_steps
from mmqcs.export.checks import ExportError
from mmqcs.export.source import class_names, compare_pixels, read_source
from mmqcs.synth import SynthFERSettings, render


def test_normalised_images_can_be_made_from_the_description(
    small_config, small_checkpoint
):
    source = read_source(small_config, small_checkpoint, 'normalised', 5)
    about = source.description
    assert about.config == 'qcs_ir-small_synthfer'
    assert about.input_size == (64, 64)
    assert about.steps == (Resize(72, 72, 'area'), CenterCrop(64, 64))
    assert about.swap_channels
    assert np.allclose(about.face_template, small_config.face_template)
    assert len(source.faces) == len(source.inputs) == 5
    for face, image in zip(source.faces, source.inputs, strict=True):
        assert np.array_equal(normalise(apply_steps(face, about.steps), about), image)
    assert np.array_equal(source.expected, source.by_pipeline)


def test_a_checkpoint_with_its_config_needs_no_dataset(
    small_config, small_checkpoint, tmp_path
):
    """The faces are rendered; names and template are those of the checkpoint."""
    config = deepcopy(small_config)
    config.test_dataloader.dataset.data_root = '/nowhere'
    names = tuple('abcdefg')
    meta = {'cfg': config.pretty_text, 'dataset_meta': {'classes': names}}
    state = torch.load(small_checkpoint, weights_only=True)['state_dict']
    path = tmp_path / 'own.pth'
    torch.save({'meta': meta, 'state_dict': state}, path)
    source = read_source(None, path, 'normalised', 5)
    about = source.description
    assert (about.classes, about.config, about.input_size) == (names, 'own', (64, 64))
    assert np.allclose(about.face_template, small_config.face_template)
    assert source.checked_on == 'rendered faces'
    for number, face in enumerate(source.faces):
        expected = render(SynthFERSettings(image_size=112), 'test', number)
        assert np.array_equal(face, expected)
    for face, image in zip(source.faces, source.inputs, strict=True):
        assert np.array_equal(normalise(apply_steps(face, about.steps), about), image)
    assert len(source.faces) == 5
    # the same classifier as with its config
    other = read_source(small_config, small_checkpoint, 'normalised', 5)
    assert other.checked_on == 'faces of the test set'
    images = torch.from_numpy(np.stack(source.inputs))
    with torch.inference_mode():
        assert torch.equal(source.module(images)[0], other.module(images)[0])
    assert np.allclose(source.module(images)[0].detach(), source.expected, atol=1e-5)


def test_pixels_are_what_the_pipeline_returns(small_config, small_checkpoint):
    source = read_source(small_config, small_checkpoint, 'pixels', 99)
    assert len(source.inputs) == 14  # the whole test set
    (batch,) = source.data.test_batches()
    expected = batch.images.permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.stack(source.inputs), expected)


def test_the_network_has_neither_cross_branch_nor_batch_norm(small_source):
    names = [name for name, _ in small_source.module.named_parameters()]
    assert names
    assert not any('cross' in name or 'stem.1' in name for name in names)


def test_an_unknown_transform_is_reported_in_the_file(small_config, small_checkpoint):
    config = deepcopy(small_config)
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline.insert(2, dict(type='RandomFlip', prob=0.0))
    source = read_source(config, small_checkpoint, 'normalised', 2)
    assert source.faces == []
    assert source.description.steps is None
    assert 'RandomFlip' in source.description.problem
    with pytest.raises(ExportError, match='RandomFlip'):
        read_source(config, small_checkpoint, 'faces', 2)


def test_images_of_several_sizes_are_refused(small_config, small_checkpoint):
    config = deepcopy(small_config)
    pipeline = config.test_dataloader.dataset.pipeline
    pipeline.insert(-1, dict(type='RandomResize', scale=(64, 64), ratio_range=(0.5, 2)))
    with pytest.raises(ExportError, match='several sizes'):
        read_source(config, small_checkpoint, 'normalised', 9)


def test_checkpoint_and_test_set_must_have_the_same_classes():
    abc = ('a', 'b', 'c')
    for of_weights, of_data in ((abc, abc), (abc, None), (None, abc)):
        assert class_names(3, of_weights, of_data) == abc
    assert class_names(3, None, None) == ('0', '1', '2')
    with pytest.raises(ExportError, match=r'2 classes \(a, b\).* 3 scores'):
        class_names(3, None, ('a', 'b'))
    with pytest.raises(ExportError, match='a, b, c, but the test set has b, a, c'):
        class_names(3, abc, ('b', 'a', 'c'))


def test_pixels_may_differ_by_two_levels_but_not_by_three():
    pixels = torch.full((1, 3, 2, 2), 7.0)
    compare_pixels(pixels + 2, pixels)
    for change in (-3, float('nan')):
        with pytest.raises(ExportError, match=f'{abs(change):.0f} levels'):
            compare_pixels(pixels + change, pixels)


def test_heads_for_several_labels_are_refused(small_config, tmp_path):
    config = deepcopy(small_config)
    config.model = ConfigDict(
        type='ImageClassifier',
        backbone=dict(type='ResNet_CIFAR', depth=18),
        head=dict(type='MultiLabelLinearClsHead', num_classes=7, in_channels=512),
    )
    from mmqcs.registry import MODELS

    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': MODELS.build(config.model).state_dict()}, path)
    with pytest.raises(ExportError, match='MultiLabelLinearClsHead'):
        read_source(config, str(path), 'normalised', 1)
