"""Capture modules with ``torch.export``, and write ``.pt2`` files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmpretrain.models.utils import ShiftWindowMSA
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mmqcs.atomic import atomic_file
from mmqcs.deployment import ModelDescription
from mmqcs.deployment.description import KEY

from .checks import Check, ExportError, check_export, first_line, torch_run
from .source import ExportSource

_EXTRA_FILE = f'{KEY}.json'


def export_torch(source: ExportSource, path: Path) -> Check:
    """Write a classifier as a ``.pt2`` program, or raise an ``ExportError``."""
    axes = dynamic_axes(source.description.graph_input)
    program = capture(source.module, source.example(), axes)
    extra = {_EXTRA_FILE: source.description.to_json()}
    with atomic_file(path) as draft:
        with draft.open('wb') as file:
            torch.export.save(program, file, extra_files=extra)
        module, _ = read_program(draft)
        return check_export(torch_run(module), source.inputs, source.expected)


def read_program(path: str | Path) -> tuple[nn.Module, ModelDescription]:
    """Read a ``.pt2`` file: a module from a batch to (scores, logits), and more."""
    extra = {_EXTRA_FILE: ''}
    with Path(path).open('rb') as file:
        program = torch.export.load(file, extra_files=extra)
    return program.module(), ModelDescription.from_json(extra[_EXTRA_FILE])


def dynamic_axes(graph_input: str) -> dict[int, str]:
    """Return the input axes that may have any length, with their names."""
    return {0: 'batch', **({1: 'height', 2: 'width'} if graph_input == 'faces' else {})}


def capture(
    module: nn.Module, example: Tensor, axes: dict[int, str]
) -> ExportedProgram:
    """Capture a module that takes one tensor, longer than 1 along dynamic axes."""
    shapes = ({axis: Dim(name, min=1) for axis, name in axes.items()},)
    try:
        with _integer_windows():
            return torch.export.export(
                module, (example,), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:  # torch.export has no base class of its errors
        raise ExportError(
            f'PyTorch {torch.__version__} cannot export the model: {first_line(error)}'
        ) from error


@contextmanager
def _integer_windows() -> Iterator[None]:
    """Compute the batch size of Swin's windows in integers.

    MMPretrain divides in floating point and truncates, which ``torch.export`` cannot
    follow for a symbolic batch size.
    """
    original = ShiftWindowMSA.window_reverse
    ShiftWindowMSA.window_reverse = staticmethod(_window_reverse)
    try:
        yield
    finally:
        ShiftWindowMSA.window_reverse = staticmethod(original)


def _window_reverse(windows: Tensor, height: int, width: int, side: int) -> Tensor:
    """(B · windows, side, side, C) → (B, height, width, C)."""
    rows, columns = height // side, width // side
    batch = windows.shape[0] // (rows * columns)
    grid = windows.view(batch, rows, columns, side, side, -1)
    return grid.transpose(2, 3).reshape(batch, height, width, -1)
