"""Writes ONNX files."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnx.compose
import torch
from onnx import ModelProto
from torch import nn

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.description import KEY

from .errors import ExportError, first_line
from .program import capture, dynamic_axes

__all__ = ['convert', 'join', 'write_onnx']

_BY_PROGRAM = (2, 6)
"""First PyTorch whose ONNX exporter takes a captured program; TorchScript before."""


def convert(
    module: nn.Module,
    example: np.ndarray,
    graph_input: str,
    outputs: tuple[str, ...],
    opset: int,
) -> ModelProto:
    """Converts a module of one input.

    Args:
        module: In evaluation mode.
        example: An input of at least two items.
        graph_input: See :class:`mmqcs.deployment.ModelDescription`; names the input.
        outputs: Names of what it gives.
        opset: Version of ONNX's operators.

    Raises:
        ExportError: PyTorch cannot capture the module or write the opset.
    """
    axes = dynamic_axes(graph_input)
    settings = {
        'input_names': [graph_input],
        'output_names': list(outputs),
        'opset_version': opset,
    }
    inputs = torch.from_numpy(example)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder, 'model.onnx')
        try:
            if torch.__version__ >= _BY_PROGRAM:
                program = capture(module, inputs, axes)
                torch.onnx.export(program, dynamo=True, verbose=False, **settings).save(
                    str(path)
                )
            else:
                settings['dynamic_axes'] = {graph_input: axes}
                settings['dynamic_axes'] |= {name: {0: 'batch'} for name in outputs}
                torch.onnx.export(module, (inputs,), str(path), **settings)
        except ExportError:
            raise
        except Exception as error:  # the exporters have no common class of errors
            raise ExportError(
                f'PyTorch {torch.__version__} cannot write the model in opset {opset}: '
                f'{first_line(error)}'
            ) from error
        model = onnx.load(path)
    if model.opset_import[0].version != opset:  # it warns and writes what it can
        raise ExportError(
            f'PyTorch {torch.__version__} cannot write opset {opset}; give a lower '
            f'--opset'
        )
    _tidy(model, axes)
    return model


def join(preprocessing: ModelProto, network: ModelProto) -> ModelProto:
    """Puts the preprocessing before a network.

    Args:
        preprocessing: Gives what the network takes. It is changed.
        network: Of the same opset. It is changed.
    """
    _prefix(preprocessing, 'preprocessing/')
    network.ir_version = preprocessing.ir_version = max(
        network.ir_version, preprocessing.ir_version
    )
    pair = preprocessing.graph.output[0].name, network.graph.input[0].name
    return onnx.compose.merge_models(preprocessing, network, io_map=[pair])


def _prefix(model: ModelProto, prefix: str) -> None:
    """Renames all but the inputs of a graph without subgraphs.

    Releases of onnx.compose differ in what they rename.
    """
    graph = model.graph
    kept = {value.name for value in graph.input} | {''}  # an input left out is ''

    def renamed(name: str) -> str:
        return name if name in kept else prefix + name

    for node in graph.node:
        node.name = prefix + node.name
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
    for value in (*graph.initializer, *graph.output):
        value.name = renamed(value.name)


def write_onnx(model: ModelProto, description: ModelDescription, path: Path) -> None:
    """Writes a model with its description in ``metadata_props``.

    Args:
        model: The graph; changed in place.
        description: What :class:`mmqcs.deployment.OnnxClassifier` reads.
        path: File to write.
    """
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {KEY: description.to_json()})
    model.producer_name = 'mmqcs'
    model.producer_version = description.version
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _tidy(model: ModelProto, axes: dict[int, str]) -> None:
    """Names the dynamic axes and leaves out what points to the exporting machine."""
    graph = model.graph
    for value in (*graph.input, *graph.output):
        shape = value.type.tensor_type.shape
        names = axes if value in graph.input else {0: 'batch'}
        for axis, name in names.items():
            shape.dim[axis].dim_param = name
    del graph.value_info[:]  # with the exporter's names of the axes
    # stack traces with paths of the machine, several times the size of a small graph
    parts = (graph, *model.functions)
    values = (*graph.input, *graph.output, *graph.initializer)
    nodes = [node for part in parts for node in part.node]
    for item in (*parts, *values, *nodes):
        item.doc_string = ''
        del item.metadata_props[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports progress and deprecations of its own."""
    levels = {
        name: logging.getLogger(name).level for name in ('torch.onnx', 'onnxscript')
    }
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
