"""Checks that an ONNX file is a YuNet, without what OpenCV crashes on."""

from collections.abc import Iterator

import cv2
import numpy as np

__all__ = ['check_yunet']

_VALUES = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
_STRIDES = (8, 16, 32)


def check_yunet(model: bytes) -> None:
    """Check the outputs of an ONNX model, by name and by size.

    OpenCV reads YuNet's outputs without looking at their sizes, and can end the
    program while it loads a model of another kind.

    Args:
        model: Content of the file.

    Raises:
        ValueError: It is not an ONNX file, or has other outputs than YuNet.
        cv2.error: OpenCV cannot run it.
    """
    expected = {f'{kind}_{stride}' for kind in _VALUES for stride in _STRIDES}
    try:
        found = set(_output_names(model))
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError('it is not an ONNX file') from error
    if not expected <= found:
        raise ValueError(
            f'its outputs are {", ".join(sorted(found)) or "none"}, those of YuNet are '
            f'{", ".join(sorted(expected))}'
        )
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    names = sorted(expected)
    for height, width in ((320, 320), (64, 96)):
        net.setInput(np.zeros((1, 3, height, width), np.float32))
        for name, output in zip(names, net.forward(names), strict=True):
            kind, stride = name.split('_')
            count = height * width // int(stride) ** 2
            if output.size != count * _VALUES[kind]:
                raise ValueError(
                    f'its output {name} has the shape {output.shape} for an image of '
                    f'{width} x {height} pixels, but YuNet gives {count} x '
                    f'{_VALUES[kind]} values'
                )


def _output_names(model: bytes) -> Iterator[str]:
    """Read the names of the outputs from the encoding of ONNX, which is protobuf."""
    for number, graph in _fields(model):
        if number == 7:  # ModelProto.graph
            for inner, output in _fields(graph):
                if inner == 12:  # GraphProto.output
                    for field, name in _fields(output):
                        if field == 1:  # ValueInfoProto.name
                            yield name.decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Read the numbers and the content of the fields that hold text or messages."""
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise IndexError('a number of more than 64 bits')

    while place < len(message):
        key = number()
        kind = key & 7
        if kind == 0:
            number()
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        elif kind == 2:
            size = number()
            place += size
            if place > len(message):
                raise IndexError('a field that is cut off')
            yield key >> 3, message[place - size : place]
        else:
            raise IndexError(f'a field of the unknown kind {kind}')
