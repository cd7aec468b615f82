"""The int8 version of an ONNX file."""

import numpy as np
import pytest

from mmqcs.deployment import OnnxClassifier
from mmqcs.export.checks import onnx_run, scores_of
from mmqcs.export.comparison import measure_accuracy, measure_speed
from mmqcs.export.int8 import export_int8, quantise
from mmqcs.export.onnx_file import export_onnx, write_onnx

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def path(small_source, tmp_path_factory):
    path = tmp_path_factory.mktemp('int8') / 'small.onnx'
    export_onnx(small_source, path)
    return path


def inputs(source, count, factor=1):
    for batch in source.data.train_batches(count):
        for face in source.graph_inputs(batch):
            yield (face[None] * factor).astype(face.dtype)


def test_int8_agrees_with_fp32(path, small_source):
    int8 = path.with_name('small_int8.onnx')
    export_int8(small_source, path, int8, 28)
    assert int8.stat().st_size < 0.4 * path.stat().st_size
    classify = OnnxClassifier(int8, threads=1)
    assert classify.description.precision == 'int8'
    difference = np.abs(classify(small_source.faces) - small_source.expected)
    assert 0 < difference.mean() < 0.02
    runs = {'fp32': onnx_run(path), 'int8': onnx_run(int8)}
    batches = small_source.data.test_batches()
    results = measure_accuracy(small_source, runs, batches)
    assert results['PyTorch'][1:] == (1, 0)
    assert results['fp32'].metrics == results['PyTorch'].metrics
    assert results['fp32'].agreement == 1
    assert 0 < results['fp32'].difference < 0.02
    expected = scores_of(runs['int8'], small_source.inputs, 14)
    same = (expected.argmax(1) == small_source.by_pipeline.argmax(1)).mean()
    assert results['int8'].agreement == same >= 12 / 14
    times = measure_speed(small_source, runs, seconds=0.01)
    assert times.keys() == results.keys()
    assert all(seconds > 0 for of_run in times.values() for seconds in of_run.values())


def test_a_wrong_calibration_range_is_visible(path, small_source, tmp_path):
    """The bounds above can be missed."""
    wrong = quantise(path, inputs(small_source, 28, factor=0))
    write_onnx(wrong, small_source.description, tmp_path / 'wrong.onnx')
    found = scores_of(onnx_run(tmp_path / 'wrong.onnx'), small_source.inputs, 14)
    assert np.abs(found - small_source.expected).mean() > 0.02


def test_convolutions_and_linear_layers_are_quantised_but_attention_is_not(
    path, small_source
):
    model = quantise(path, inputs(small_source, 2))
    made_by = {o: node for node in model.graph.node for o in node.output}
    found = {}
    for node in model.graph.node:
        sources = [made_by.get(name) for name in node.input]
        quantised = [s is not None and s.op_type == 'DequantizeLinear' for s in sources]
        found.setdefault(node.op_type, []).append(all(quantised[:2]))
    assert found['Conv']
    assert all(found['Conv'])
    assert all(found['Gemm'])
    # two products in each of two attention blocks, and two for resizing by area
    assert found['MatMul'].count(False) == 6
    assert not any(found['Softmax'])
