"""ONNX files of a small QCS model."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT
from mmengine.dataset import Compose
from torch import nn

from mmqcs.deployment import OnnxClassifier
from mmqcs.export import onnx_file
from mmqcs.export.checks import ExportError
from mmqcs.export.onnx_file import convert, export_onnx
from mmqcs.export.pipeline import FaceBatch


class Small(nn.Module):
    """Scores and logits from the mean of each channel."""

    def forward(self, x):
        logits = x.mean(dim=(2, 3))
        return logits.softmax(dim=1), logits


@pytest.fixture(scope='module')
def path(small_source, tmp_path_factory):
    path = tmp_path_factory.mktemp('onnx') / 'small.onnx'
    export_onnx(small_source, path)
    return path


@pytest.mark.slow
def test_faces_of_any_size_get_the_scores_of_the_test(path, small_source, small_config):
    faces = small_source.faces[:4]
    assert {face.shape for face in faces} == {(100, 100, 3)}
    faces = [cv2.resize(f, s) for f in faces for s in ((137, 151), (48, 48), (99, 99))]
    classify = OnnxClassifier(path, threads=1)
    assert classify.classes[3] == 'Happiness'
    pipeline = Compose(small_config.test_dataloader.dataset.pipeline[1:])
    images = torch.stack([pipeline({'img': face})['inputs'] for face in faces])
    expected = small_source.predict(FaceBatch(faces, images, []))
    assert np.ptp(expected, axis=0).max() > 0.1  # faces can be told apart
    scores = classify(faces)
    assert np.abs(scores - expected).max() <= 0.02
    assert np.array_equal(scores.argmax(1), expected.argmax(1))


@pytest.mark.slow
def test_the_graph_takes_faces_and_returns_scores_and_logits(path, small_source):
    session = onnxruntime.InferenceSession(path)
    (entry,) = session.get_inputs()
    assert (entry.name, entry.type) == ('faces', 'tensor(uint8)')
    assert entry.shape == ['batch', 'height', 'width', 3]
    scores, logits = session.get_outputs()
    assert scores.shape == logits.shape == ['batch', 7]
    found, logits = session.run(None, {'faces': np.stack(small_source.faces[:3])})
    powers = np.exp(logits)
    assert np.allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-6)
    content = path.read_bytes()
    assert str(ROOT).encode() not in content
    assert b'.py' not in content
    assert onnx.load(path).opset_import[0].version == 18


@pytest.mark.slow
def test_wrong_scores_leave_no_file(small_source, tmp_path):
    wrong = replace(small_source, expected=small_source.expected[::-1])
    with pytest.raises(ExportError, match='the exported model is wrong'):
        export_onnx(wrong, tmp_path / 'a.onnx')
    wrong = replace(small_source, faces=small_source.faces[::-1])
    with pytest.raises(ExportError, match='OnnxClassifier'):
        export_onnx(wrong, tmp_path / 'a.onnx')
    assert list(tmp_path.iterdir()) == []


def test_an_opset_that_pytorch_does_not_write_is_reported(monkeypatch):
    example = torch.zeros(2, 3, 4, 4)
    export = torch.onnx.export

    def keep_18(*args, **kwargs):  # as PyTorch does with a warning
        return export(*args, **{**kwargs, 'opset_version': 18})

    monkeypatch.setattr(torch.onnx, 'export', keep_18)
    assert convert(Small(), example, 'normalised', 18).graph.input[0].name
    with pytest.raises(ExportError, match='cannot write opset 19'):
        convert(Small(), example, 'normalised', 19)

    def fail(*_, **__):
        raise RuntimeError('no such operator\nat line 3')

    monkeypatch.setattr(torch.onnx, 'export', fail)
    with pytest.raises(ExportError, match='opset 18: no such operator$'):
        convert(Small(), example, 'normalised', 18)
    assert onnx_file.LOWEST_OPSET == 18
