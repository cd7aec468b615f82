"""Small ONNX files like those of an export, made without PyTorch."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.description import KEY
from mmqcs.deployment.steps import CenterCrop, Resize

CLASSES = ('Happiness', 'Anger', 'Neutral')
STEPS = (
    Resize(height=12, width=10, interpolation='area'),
    CenterCrop(8, 6),
)
MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def describe(**changes) -> ModelDescription:
    """Describe a network for images of 8 x 6 pixels."""
    settings = {
        'classes': CLASSES,
        'input_size': (8, 6),
        'graph_input': 'normalised',
        'steps': STEPS,
        'swap_channels': True,
        'mean': MEAN,
        'std': STD,
        'config': 'case',
    }
    return ModelDescription(**{**settings, **changes})


def write_case(path: Path, text: str | None = None) -> Path:
    """Write a network: softmax of a linear layer on the mean of each channel.

    Args:
        path: File to write.
        text: Description. Defaults to that of ``describe()``; empty for none.
    """
    weights = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    nodes = [
        helper.make_node('ReduceMean', ['normalised', 'axes'], ['means'], keepdims=0),
        helper.make_node('MatMul', ['means', 'weights'], ['logits']),
        helper.make_node('Softmax', ['logits'], ['scores'], axis=1),
    ]
    tensors = [
        numpy_helper.from_array(weights, 'weights'),
        numpy_helper.from_array(np.array([2, 3], np.int64), 'axes'),
    ]
    shape = ['batch', 3, 8, 6]
    graph = helper.make_graph(
        nodes,
        'case',
        [helper.make_tensor_value_info('normalised', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['batch', 3])],
        tensors,
    )
    opset = [helper.make_opsetid('', 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    if text is None:
        text = describe().to_json()
    if text:
        helper.set_model_props(model, {KEY: text})
    onnx.save(model, path)
    return path


def expected_scores(pixels: np.ndarray) -> np.ndarray:
    """Return the scores of an image after its steps, BGR uint8 (8, 6, 3)."""
    weights = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    means = [
        np.mean((pixels[..., 2 - i].astype(float) - MEAN[i]) / STD[i]) for i in range(3)
    ]
    powers = np.exp(means @ weights)
    return powers / powers.sum()
