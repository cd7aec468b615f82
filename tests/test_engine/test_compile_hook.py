"""CompileHook with a classifier of MMPretrain."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample

from mmqcs.engine import CompileHook


def classifier():
    torch.manual_seed(0)
    return ImageClassifier(
        backbone=dict(
            type='mmqcs.IRNet', depth=(1, 1), base_channels=16, out_indices=(1,)
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=32),
    )


@pytest.mark.parametrize('wrapped', [False, True])
def test_a_stock_classifier_is_compiled_and_learns_the_same(wrapped):
    plain = classifier()
    compiled = copy.deepcopy(plain)
    model = torch.nn.DataParallel(compiled) if wrapped else compiled
    CompileHook().before_train(SimpleNamespace(model=model))
    parts = compiled.backbone, compiled.neck, compiled.head
    assert all(part._compiled_call_impl is not None for part in parts)
    images = torch.rand(4, 3, 32, 32)
    samples = [DataSample().set_gt_label(label) for label in (0, 3, 6, 3)]
    found = []
    for each in (plain, compiled):
        loss = each(images, samples, mode='loss')['loss']
        loss.backward()
        found.append((loss, [p.grad for p in each.parameters()]))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-4)
