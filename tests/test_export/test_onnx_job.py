"""ONNX files of a small QCS model, in float32 and int8."""

from dataclasses import replace

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT
from mmengine.dataset import Compose

from mmqcs.deployment import OnnxClassifier
from mmqcs.export.compare import onnx_run
from mmqcs.export.errors import ExportError
from mmqcs.export.network import predict
from mmqcs.export.onnx_job import OnnxJob
from mmqcs.export.quantise import quantise
from mmqcs.export.subject import read_subject

pytestmark = pytest.mark.slow
CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture(scope='module')
def job(small_config, small_checkpoint, tmp_path_factory):
    subject = read_subject(small_config, str(CONFIG), small_checkpoint, 'faces', 14)
    out = tmp_path_factory.mktemp('onnx') / 'small.onnx'
    job = OnnxJob(subject, out, 18)
    job.export()
    return job


def by_pipeline(config, model, faces):
    """Scores of faces by the transforms, data preprocessor and model of a config."""
    pipeline = Compose(config.test_dataloader.dataset.pipeline[1:])
    inputs = torch.stack([pipeline({'img': face})['inputs'] for face in faces])
    return predict(model, model.data_preprocessor({'inputs': inputs})['inputs'])


def test_faces_of_any_size_get_the_scores_of_the_test(job, small_config):
    faces = job.subject.faces[:4]
    assert {face.shape for face in faces} == {(100, 100, 3)}
    larger = [cv2.resize(face, (137, 151)) for face in faces]
    smaller = [cv2.resize(face, (48, 48)) for face in faces]
    classify = OnnxClassifier(job.out, threads=1)
    assert classify.description.config == 'qcs_ir-small_synthfer'
    assert classify.classes[3] == 'Happiness'
    together = [
        face for three in zip(larger, smaller, faces, strict=True) for face in three
    ]
    expected = by_pipeline(small_config, job.subject.model, together).numpy()
    assert np.ptp(expected, axis=0).max() > 0.1  # faces can be told apart
    assert np.abs(classify(together) - expected).max() <= 1e-4


def test_the_graph_takes_faces_and_gives_scores_and_logits(job):
    session = onnxruntime.InferenceSession(job.out)
    (entry,) = session.get_inputs()
    assert (entry.name, entry.type) == ('faces', 'tensor(uint8)')
    assert entry.shape == ['batch', 'height', 'width', 3]
    scores, logits = session.get_outputs()
    assert scores.shape == logits.shape == ['batch', 7]
    found, logits = session.run(None, {'faces': np.stack(job.subject.faces[:3])})
    powers = np.exp(logits)
    assert np.allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-6)
    content = job.out.read_bytes()
    assert str(ROOT).encode() not in content
    assert onnx.load(job.out).opset_import[0].version == 18


def test_wrong_scores_leave_no_file(job, tmp_path):
    bad = replace(job.subject, expected=job.subject.expected[::-1])
    twin = object.__new__(OnnxJob)
    twin.__dict__.update(job.__dict__, subject=bad, out=tmp_path / 'a.onnx')
    with pytest.raises(ExportError, match='the exported model is wrong'):
        twin.export()
    assert list(tmp_path.iterdir()) == []


def agreement(job, network):
    """Share of the faces that get the same class, and mean change of the scores."""
    images = job.subject.images
    expected = onnx_run(job.network.SerializeToString())(images)
    assert len(set(expected.argmax(1))) >= 3
    found = onnx_run(network.SerializeToString())(images)
    same = (found.argmax(1) == expected.argmax(1)).mean()
    return same, np.abs(found - expected).mean()


def test_int8_agrees_with_fp32(job, small_config, capsys):
    job.export_int8(small_config, 28, reduce_range=False)
    path = job.out.with_name('small_int8.onnx')
    assert path.stat().st_size < 0.4 * job.out.stat().st_size
    classify = OnnxClassifier(path, threads=1)
    assert classify.description.precision == 'int8'
    difference = np.abs(classify(job.subject.faces) - job.subject.expected)
    assert 0 < difference.mean() < 0.02
    rows = [row.split('|')[1:-1] for row in capsys.readouterr().out.splitlines()[-5:]]
    assert [row[0].strip() for row in rows] == [
        'model',
        '---',
        'PyTorch',
        'fp32',
        'int8',
    ]
    assert rows[2][2:4] == rows[3][2:4]  # accuracy
    assert rows[3][4] == ' 100.0 % '


def test_int8_of_which_the_range_is_wrong_does_not(job):
    """The bounds above can be missed."""
    right = quantise(job.network, job.subject.calibration(28))
    same, change = agreement(job, right)
    assert same >= 12 / 14
    assert change < 0.02
    wrong = quantise(job.network, [x / 100 for x in job.subject.calibration(28)])
    same, change = agreement(job, wrong)
    assert same < 12 / 14
    assert change > 0.02


def test_int8_counts(job):
    """Convs and linear layers are in int8; products in attention are not."""
    model = quantise(job.network, job.subject.calibration(4))
    made_by = {o: node for node in model.graph.node for o in node.output}
    found = {}
    for node in model.graph.node:
        sources = [made_by.get(name) for name in node.input]
        quantised = [s is not None and s.op_type == 'DequantizeLinear' for s in sources]
        found.setdefault(node.op_type, []).append(all(quantised[:2]))
    assert found['Conv']
    assert all(found['Conv'])
    assert all(found['Gemm'])
    assert found['MatMul'].count(False) == 4  # two products in each of two blocks
    assert not any(found['Softmax'])
