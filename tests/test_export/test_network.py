"""What is exported of a classifier, and with which weights."""

from copy import deepcopy

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.config import ConfigDict

from mmqcs.export.errors import ExportError
from mmqcs.export.network import InferenceNet, build_classifier, load_weights, predict

SMALL = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')


def small(**changes):
    """The small model with BatchNorm statistics that are not those of the start."""
    config = Config(deepcopy(SMALL.to_dict()))
    config.model.update(changes)
    model = build_classifier(config)
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_(0, 0.1)
        elif name.endswith('running_var'):
            buffer.uniform_(0.5, 2)
    return model


def test_scores_are_those_of_the_classifier():
    model = small()
    images = torch.randn(3, 3, 64, 64)
    expected = predict(model, images)
    net = InferenceNet(deepcopy(model))
    with torch.no_grad():
        scores, logits = net(images)
    assert torch.allclose(scores, expected, atol=1e-6)
    assert torch.allclose(logits.softmax(1), scores)
    names = [name for name, _ in net.named_parameters()]
    assert not any(name.startswith('cross') for name in names)
    assert not any('stem.1' in name for name in names)  # BatchNorm is folded


def test_fast_mode_is_left_out():
    assert small(fast=True).fast is None


def test_weights_are_loaded_without_the_cross_branch(tmp_path):
    model = small()
    state = model.state_dict()
    meta = {'dataset_meta': {'classes': tuple('abcdefg')}}
    path = str(tmp_path / 'a.pth')
    torch.save({'state_dict': state, 'meta': meta}, path)
    other = build_classifier(SMALL)
    assert load_weights(other, path)['dataset_meta'] == meta['dataset_meta']
    inference = {k: v for k, v in state.items() if not k.startswith('cross.')}
    torch.save(inference, path)
    third = build_classifier(SMALL)
    load_weights(third, path)
    images = torch.randn(2, 3, 64, 64)
    expected = predict(model, images)
    assert torch.equal(predict(other, images), expected)
    assert torch.equal(predict(third, images), expected)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    path = str(tmp_path / 'a.pth')
    state = small().state_dict()
    wrong = {
        'size mismatch for head.fc.weight': {'head.fc.weight': torch.zeros(8, 96)},
        'holds unknown 1 weights, the first is other.weight': {
            'other.weight': torch.zeros(1)
        },
    }
    for message, change in wrong.items():
        torch.save({'state_dict': {**state, **change}}, path)
        with pytest.raises(ExportError, match=message):
            load_weights(build_classifier(SMALL), path)
    del state['head.fc.bias']
    torch.save({'state_dict': state}, path)
    with pytest.raises(ExportError, match='lacks 1 weights, the first is head.fc.bias'):
        load_weights(build_classifier(SMALL), path)


def test_models_without_one_label_an_image_are_refused():
    head = dict(type='MultiLabelLinearClsHead', num_classes=3, in_channels=96)
    backbone = dict(type='ResNet_CIFAR', depth=18)
    model = dict(type='ImageClassifier', backbone=backbone, head=head)
    with pytest.raises(ExportError, match='the head is a MultiLabelLinearClsHead'):
        build_classifier(Config(dict(model=model)))
    model = dict(
        type='SimSiam',
        backbone=backbone,
        neck=dict(
            type='NonLinearNeck', in_channels=512, hid_channels=8, out_channels=8
        ),
        head=dict(
            type='LatentPredictHead',
            loss=dict(type='CosineSimilarityLoss'),
            predictor=dict(
                type='NonLinearNeck', in_channels=8, hid_channels=8, out_channels=8
            ),
        ),
    )
    with pytest.raises(ExportError, match='the model is a SimSiam'):
        build_classifier(Config(dict(model=ConfigDict(model))))
