"""What is exported of a classifier, and with which weights."""

from copy import deepcopy

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.config import ConfigDict

from mmqcs.export.errors import ExportError
from mmqcs.export.network import InferenceNet, build_classifier, predict

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


def test_compilation_is_left_out():
    assert small(compile=True)._training_graph is None


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
