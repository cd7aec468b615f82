"""The preprocessing as a module, and as a graph in onnxruntime."""

import numpy as np
import onnxruntime
import pytest
import torch
from mmpretrain.models.utils import ClsDataPreprocessor

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.geometry import (
    CenterCrop,
    Resize,
    ResizeEdge,
    Subsample,
    apply_steps,
)
from mmqcs.deployment.onnx_classifier import normalise
from mmqcs.export.errors import ExportError
from mmqcs.export.onnx_file import convert
from mmqcs.export.preprocessing import FacePreprocessor, check_steps

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
STEPS = (
    Resize(height=59, width=59, backend='pillow'),
    CenterCrop(56, 52),
    Subsample(2),
)


def describe(**changes):
    settings = {
        'classes': ('a', 'b'),
        'input_size': (28, 26),
        'graph_input': 'faces',
        'steps': STEPS,
        'swap_channels': True,
        'mean': MEAN,
        'std': STD,
        'config': 'case',
    }
    return ModelDescription(**{**settings, **changes})


def face(*size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize('changes', [{}, {'swap_channels': False}, {'mean': None}])
def test_gives_what_data_preprocessor_and_deployment_give(changes):
    about = describe(**changes, **({'std': None} if 'mean' in changes else {}))
    image = face(48, 70)
    pixels = apply_steps(image, STEPS)
    found = FacePreprocessor(about)(torch.from_numpy(image[None]))[0]
    assert np.array_equal(found, normalise(pixels, about))
    of_mmpretrain = ClsDataPreprocessor(
        mean=about.mean, std=about.std, to_rgb=about.swap_channels
    )
    batch = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())
    assert torch.equal(found, of_mmpretrain({'inputs': batch})['inputs'][0])


@pytest.mark.parametrize('graph_input', ['faces', 'pixels'])
def test_a_graph_takes_batches_and_faces_of_any_size(graph_input):
    about = describe(graph_input=graph_input)
    module = FacePreprocessor(about)
    example = np.stack([face(30, 40) if graph_input == 'faces' else face(28, 26)] * 2)
    model = convert(module, example, graph_input, ('images',), 18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    sizes = [(28, 26), (64, 48), (1, 1)] if graph_input == 'faces' else [(28, 26)]
    for size in sizes:
        for count in (1, 3):
            batch = np.stack([face(*size)] * count)
            (found,) = session.run(None, {graph_input: batch})
            assert np.array_equal(found, module(torch.from_numpy(batch)))


def test_the_graph_tells_nothing_of_the_machine():
    module = FacePreprocessor(describe(graph_input='pixels'))
    example = np.stack([face(28, 26)] * 2)
    content = convert(module, example, 'pixels', ('images',), 18).SerializeToString()
    assert b'mmqcs/export' not in content
    assert b'.py' not in content


def test_an_opset_that_pytorch_does_not_write_is_said(monkeypatch):
    module = FacePreprocessor(describe(graph_input='pixels'))
    example = np.stack([face(28, 26)] * 2)
    export = torch.onnx.export

    def keep_18(*args, **kwargs):  # as PyTorch does with a warning
        return export(*args, **{**kwargs, 'opset_version': 18})

    monkeypatch.setattr(torch.onnx, 'export', keep_18)
    convert(module, example, 'pixels', ('images',), 18)
    with pytest.raises(ExportError, match='cannot write opset 19; give a lower'):
        convert(module, example, 'pixels', ('images',), 19)

    def fail(*_, **__):
        raise RuntimeError('no such operator\nat line 3')

    monkeypatch.setattr(torch.onnx, 'export', fail)
    with pytest.raises(ExportError, match='in opset 18: no such operator$'):
        convert(module, example, 'pixels', ('images',), 18)


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        ((), 'does not begin by a resizing'),
        ((CenterCrop(8, 8),), 'does not begin by a resizing'),
        ((ResizeEdge(length=8),), 'does not begin by a resizing'),
        ((Resize(height=8, width=8, interpolation='bicubic'),), 'bicubic'),
        ((Resize(height=8, width=8), ResizeEdge(length=8)), 'ResizeEdge'),
    ],
)
def test_steps_that_a_graph_cannot_hold_are_named(steps, message):
    with pytest.raises(ExportError, match=message):
        check_steps(steps)
