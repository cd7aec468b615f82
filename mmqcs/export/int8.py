"""Quantise an ONNX file to 8-bit integers."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from mmqcs.atomic import atomic_file

from .checks import check_export, onnx_run, scores_of
from .onnx_file import write_onnx
from .source import ExportSource

INT8_OPERATORS = ('Conv', 'Gemm', 'MatMul')
"""Operators computed in int8: convolutions and linear layers, nearly all of the work.

The others stay in float32. If the sums of the residual branches have 8 bits as well,
the small model of SynthFER loses ten points of accuracy.
"""


def export_int8(
    source: ExportSource,
    fp32: Path,
    path: Path,
    calibration_images: int = 512,
    reduce_range: bool = False,
) -> None:
    """Write the int8 version of a file of ``export_onnx``."""
    inputs = (
        face[None]
        for batch in source.data.train_batches(calibration_images)
        for face in source.graph_inputs(batch)
    )
    model = quantise(fp32, inputs, reduce_range)
    with atomic_file(path) as draft:
        write_onnx(model, replace(source.description, precision='int8'), draft)
        run = onnx_run(draft)
        check_export(run, source.inputs, scores_of(run, source.inputs, 1))


def quantise(
    path: Path, inputs: Iterable[np.ndarray], reduce_range: bool = False
) -> ModelProto:
    """Quantise convolutions and linear layers: weights per channel, inputs per tensor.

    The range of an activation goes from its minimum to its maximum over the inputs.
    Products of two activations stay in float32: attention over more than a hundred
    tokens has weights below 1/100, and 8 bits represent them badly.

    With ``reduce_range``, weights get 7 bits, for CPUs without VNNI, on which sums of
    8-bit products can overflow. ``inputs`` are typical batches.
    """
    with tempfile.TemporaryDirectory() as folder:
        ready, small = Path(folder, 'ready.onnx'), Path(folder, 'int8.onnx')
        # folds BatchNorm; symbolic shapes are not needed and fail at opset 23
        quant_pre_process(path, ready, skip_symbolic_shape=True)
        graph = onnx.load(ready).graph
        quantize_static(
            ready,
            small,
            _Reader(graph.input[0].name, inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(INT8_OPERATORS),
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_products_of_activations(graph),
            # linear layers return float32, so that logits are not rounded
            extra_options={'OpTypesToExcludeOutputQuantization': ['Gemm', 'MatMul']},
        )
        model = onnx.load(small)
    del model.graph.value_info[:]
    return model


class _Reader(CalibrationDataReader):
    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._items = ({name: batch} for batch in batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._items, None)


def _products_of_activations(graph: onnx.GraphProto) -> list[str]:
    """Return the names of MatMul nodes without weights: attention and resizing."""
    weights = {tensor.name for tensor in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type == 'MatMul' and not weights.intersection(node.input)
    ]
