"""From an ONNX network in float32 to one in 8-bit integers."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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

__all__ = ['INT8_OPERATORS', 'quantise']

INT8_OPERATORS = ('Conv', 'Gemm', 'MatMul')
"""What is computed in int8: convs and linear layers, nearly all of the operations.

The rest stays in float32. With 8 bits for the sums of the residual branches as well,
the small model of SynthFER loses ten points of accuracy.
"""


class _Batches(CalibrationDataReader):
    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._items: Iterator[dict[str, np.ndarray]] = ({name: x} for x in batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._items, None)


def quantise(
    network: ModelProto, batches: Iterable[np.ndarray], reduce_range: bool = False
) -> ModelProto:
    """Quantises convs and linear layers, weights a channel, activations a tensor.

    The ranges of the activations are their least and largest value over the batches.
    Products of two activations stay in float32: attention over hundred tokens and more
    has weights below a hundredth, of which 8 bits leave little.

    Args:
        network: float32, of one input.
        batches: What it takes, (B, 3, height, width), as in use.
        reduce_range: Whether weights get 7 bits: for CPUs without VNNI, on which sums
            of 8-bit products can overflow.

    Returns:
        The network with QuantizeLinear and DequantizeLinear around its operators.
    """
    name = network.graph.input[0].name
    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, ready, small = (Path(folder, f'{n}.onnx') for n in 'abc')
        onnx.save(network, whole)
        # folds BatchNorm; symbolic shapes help nothing here and fail at opset 23
        quant_pre_process(whole, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            small,
            _Batches(name, batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(INT8_OPERATORS),
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_products_of_activations(onnx.load(ready)),
            # linear layers give float32, so that logits are not rounded
            extra_options={'OpTypesToExcludeOutputQuantization': ['Gemm', 'MatMul']},
        )
        model = onnx.load(small)
    del model.graph.value_info[:]
    return model


def _products_of_activations(network: ModelProto) -> list[str]:
    """Names of the MatMul nodes without weights: those of attention."""
    weights = {tensor.name for tensor in network.graph.initializer}
    return [
        node.name
        for node in network.graph.node
        if node.op_type == 'MatMul' and not weights.intersection(node.input)
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser's advice, by the root logger, is followed already."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
