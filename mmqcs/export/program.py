"""Captures a module by ``torch.export``, batch and, of faces, sizes dynamic."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mmqcs.deployment.description import KEY, ModelDescription

from .errors import ExportError, first_line
from .windows import whole_batches

__all__ = ['capture', 'dynamic_axes', 'read_program', 'write_program']

_EXTRA_FILE = f'{KEY}.json'


def dynamic_axes(graph_input: str) -> dict[int, str]:
    """Axes of the input that may have any length, with their names.

    Args:
        graph_input: See :class:`mmqcs.deployment.ModelDescription`.
    """
    return {0: 'batch', **({1: 'height', 2: 'width'} if graph_input == 'faces' else {})}


def capture(
    module: nn.Module, example: Tensor, axes: dict[int, str]
) -> ExportedProgram:
    """Captures a module.

    Args:
        module: Takes one tensor.
        example: An input; axes that are dynamic must be longer than 1.
        axes: Which are dynamic, with names.

    Raises:
        ExportError: PyTorch cannot, with the first line of its reason.
    """
    shapes = ({axis: Dim(name, min=1) for axis, name in axes.items()},)
    # Tracing goes through more models in one mode or the other: the lax one fixes
    # len(tensor), the strict one cannot follow all Python code.
    errors = []
    for strict in (False, True):
        try:
            with whole_batches():
                return torch.export.export(
                    module, (example,), dynamic_shapes=shapes, strict=strict
                )
        except Exception as error:
            errors.append(error)
    raise ExportError(
        f'PyTorch {torch.__version__} cannot export the model: {first_line(errors[0])}'
    ) from errors[0]


def write_program(
    program: ExportedProgram, description: ModelDescription, path: Path
) -> None:
    """Writes a ``.pt2`` file.

    Args:
        program: What was captured.
        description: Kept in the file, as ``mmqcs.json``.
        path: File to write.
    """
    # it takes weights with the channels last for parts of others, and warns
    for name, value in program.state_dict.items():
        plain = value.detach().contiguous()
        if isinstance(value, nn.Parameter):
            plain = nn.Parameter(plain, value.requires_grad)
        program.state_dict[name] = plain
    extra = {_EXTRA_FILE: description.to_json()}
    torch.export.save(program, str(path), extra_files=extra)


def read_program(path: str | Path) -> tuple[nn.Module, ModelDescription]:
    """Reads what :func:`write_program` wrote.

    Args:
        path: ``.pt2`` file.

    Returns:
        A module from a batch to (scores, logits), and the description.
    """
    extra = {_EXTRA_FILE: ''}
    program = torch.export.load(str(path), extra_files=extra)
    return program.module(), ModelDescription.from_json(extra[_EXTRA_FILE])
