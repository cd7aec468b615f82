"""Write ONNX files."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from mmqcs.atomic import atomic_file
from mmqcs.deployment import ModelDescription, OnnxClassifier
from mmqcs.deployment.description import KEY

from .checks import (
    Check,
    ExportError,
    check_export,
    check_scores,
    first_line,
    onnx_run,
)
from .source import ExportSource
from .torch_program import capture, dynamic_axes

LOWEST_OPSET = 18
"""Lowest version of ONNX's operators that PyTorch writes."""


def export_onnx(source: ExportSource, path: Path, opset: int = LOWEST_OPSET) -> Check:
    """Write a classifier as an ``.onnx`` file, or raise an ``ExportError``.

    The scores of the file and of ``OnnxClassifier`` must be right.
    """
    about = source.description
    model = convert(source.module, source.example(), about.graph_input, opset)
    with atomic_file(path) as draft:
        write_onnx(model, about, draft)
        check = check_export(onnx_run(draft), source.inputs, source.expected)
        if source.faces:
            found = OnnxClassifier(draft, threads=1)(source.faces)
            problem = 'OnnxClassifier does not prepare faces as the test pipeline does'
            check_scores(found, source.expected, problem)
    return check


def convert(
    module: nn.Module, example: Tensor, graph_input: str, opset: int
) -> ModelProto:
    """Convert a module in evaluation mode that returns (scores, logits)."""
    axes = dynamic_axes(graph_input)
    program = capture(module, example, axes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'model.onnx')
        try:
            torch.onnx.export(  # type: ignore[union-attr]
                program,
                dynamo=True,
                verbose=False,
                input_names=[graph_input],
                output_names=['scores', 'logits'],
                opset_version=opset,
            ).save(str(path))
        except Exception as error:  # the exporter has no base class of its errors
            raise ExportError(
                f'PyTorch {torch.__version__} cannot write the model in opset {opset}: '
                f'{first_line(error)}'
            ) from error
        model = onnx.load(path)
    if model.opset_import[0].version != opset:  # PyTorch only warns
        raise ExportError(f'PyTorch {torch.__version__} cannot write opset {opset}')
    _tidy(model, axes)
    return model


def write_onnx(model: ModelProto, description: ModelDescription, path: Path) -> None:
    """Write a model, which is changed in place, with its description."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {KEY: description.to_json()})
    model.producer_name = 'mmqcs'
    model.producer_version = description.version
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _tidy(model: ModelProto, axes: dict[int, str]) -> None:
    """Name the dynamic axes, and remove traces of the exporting machine."""
    graph = model.graph
    for value in (*graph.input, *graph.output):
        shape = value.type.tensor_type.shape
        names = axes if value in graph.input else {0: 'batch'}
        for axis, name in names.items():
            shape.dim[axis].dim_param = name
    del graph.value_info[:]  # has the exporter's names of the axes
    # stack traces with local paths, several times the size of a small graph
    parts = (graph, *model.functions)
    values = (*graph.input, *graph.output, *graph.initializer)
    nodes = [node for part in parts for node in part.node]
    for item in (*parts, *values, *nodes):
        item.doc_string = ''
        del item.metadata_props[:]
