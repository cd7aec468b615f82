"""Compiled blocks, channels-last and mixed precision against the plain form."""

import copy
import os
import subprocess
import sys

import pytest
import torch
import torch.nn as nn
from test_qcs_classifier import batch, build

from mmqcs.models.compilation import compile_blocks
from mmqcs.models.compilation.training_graph import _CannotRecordError, _check


def twins(**changes):
    exact = build(channels_last=False)
    other = build(**changes)
    other.load_state_dict(exact.state_dict())
    return exact, other


def losses_and_gradients(model, images, samples):
    losses = model(images, samples, mode='loss')
    (losses['loss_base'] + losses['loss_cross']).backward()
    return losses, {n: p.grad for n, p in model.named_parameters()}


def test_channels_last_changes_nothing_but_rounding():
    exact, other = (m.double() for m in twins(channels_last=True))
    assert other.backbone.stem[0].weight.is_contiguous(
        memory_format=torch.channels_last
    )
    images, samples = batch()
    expected = losses_and_gradients(exact, images.double(), samples)
    result = losses_and_gradients(other, images.double(), samples)
    torch.testing.assert_close(result, expected)


def test_compiled_blocks_change_nothing_but_rounding():
    exact, other = twins(compile=True)
    images, samples = batch()
    for groups in (2, 1):  # a short last batch as well
        order = [b * 2 + i for b in range(4) for i in range(groups)]
        chosen = images[order], [samples[i] for i in order]
        expected, _ = losses_and_gradients(exact, *chosen)
        result, _ = losses_and_gradients(other, *chosen)
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)
    for name, buffer in exact.named_buffers():
        torch.testing.assert_close(other.get_buffer(name), buffer, msg=name)
    exact.eval(), other.eval()
    with torch.no_grad():
        torch.testing.assert_close(other(images), exact(images), atol=1e-4, rtol=1e-4)
    assert copy.deepcopy(other).state_dict().keys() == exact.state_dict().keys()


def test_bfloat16_is_close_and_keeps_weights_in_float32():
    exact, other = twins()
    seen = []
    other.backbone.stem[0].register_forward_hook(lambda *a: seen.append(a[-1].dtype))
    images, samples = batch()
    expected, _ = losses_and_gradients(exact, images, samples)
    with torch.autocast('cpu', torch.bfloat16):
        result, gradients = losses_and_gradients(other, images, samples)
    assert seen == [torch.bfloat16]
    assert {g.dtype for g in gradients.values()} == {torch.float32}
    torch.testing.assert_close(
        result['loss_base'].float(), expected['loss_base'], atol=0.05, rtol=0.05
    )


def test_without_a_gpu_graphs_change_nothing():
    exact, other = twins(compile=dict(graphs=True))
    images, samples = batch()
    expected = losses_and_gradients(exact, images, samples)
    torch.testing.assert_close(losses_and_gradients(other, images, samples), expected)
    assert copy.deepcopy(other).state_dict().keys() == exact.state_dict().keys()


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'neck.encoder.with_cp': True}, 'neck.encoder recomputes'),
        ({'cross.attention.distance_range': 'world'}, r"attention\.levels .*'world'"),
        ({'backbone': nn.SyncBatchNorm(3)}, 'backbone synchronises'),
        ({}, None),
    ],
)
def test_parts_that_cannot_be_recorded_are_named(changes, reason):
    foreign = changes.pop('backbone', None)
    model = build(**changes)
    if foreign:
        model.backbone = foreign
    if reason is None:
        _check(model)
    else:
        with pytest.raises(_CannotRecordError, match=reason):
            _check(model)


def test_unknown_options():
    with pytest.raises(TypeError, match="'dtype'"):
        build(compile=dict(dtype='bfloat16'))


BROKEN = """
import torch
from mmqcs.models import FERClassifier
model = FERClassifier(
    backbone=dict(type='mmqcs.IRNet', depth=(1,), base_channels=8, out_indices=(0,)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=7, in_channels=8),
    compile=True,
)
assert torch.isfinite(model(torch.rand(2, 3, 16, 16))).all()
"""


def test_without_a_compiler_it_warns_and_runs_uncompiled(tmp_path):
    env = dict(
        os.environ,
        CXX='/nonexistent/compiler',
        TORCHINDUCTOR_CACHE_DIR=str(tmp_path),
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    done = subprocess.run(
        [sys.executable, '-c', BROKEN], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "WON'T CONVERT" in done.stderr


def compiled_parts(model):
    return {n for n, m in model.named_modules() if m._compiled_call_impl is not None}


def test_parts_are_compiled_as_a_whole_unless_activations_are_recomputed():
    parts = compiled_parts(build(compile=True))
    assert parts == {'backbone', 'neck', 'head', 'cross'}
    parts = compiled_parts(build(compile=True, **{'neck.encoder.with_cp': True}))
    blocks = {f'backbone.stages.{s}.{b}' for s in range(3) for b in range(s + 1)}
    encoders = {'neck.encoder.blocks.0', 'neck.encoder.blocks.1'}
    cross = {'cross.attention.levels', 'cross.encoder.blocks.0'}
    assert parts == blocks | encoders | cross | {'backbone.stem'}


def test_a_model_without_parts():
    with pytest.raises(TypeError, match='Linear has no backbone, neck or head'):
        compile_blocks(nn.Linear(2, 2))
