"""The weights in a checkpoint: finding them and checking what they are."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmqcs.checkpoints.safe_load import CheckpointError

__all__ = ['check_fit', 'check_tensors', 'checkpoint_classes', 'find_weights']

WRAPPERS = ('state_dict', 'model_state_dict', 'model', 'net')
"""Keys under which training programs store the weights."""

PREFIXES = ('module.', '_orig_mod.', 'model.')
"""Prefixes that DataParallel, torch.compile and Lightning put before every key."""


def find_weights(
    checkpoint: Any, path: str | Path, wanted: Collection[str] = ()
) -> dict[str, Tensor]:
    """Find the weights of a model in what a checkpoint holds.

    Args:
        checkpoint: A state dict, or a dict that holds one as ``state_dict``,
            ``model_state_dict``, ``model`` or ``net``.
        path: The checkpoint, for messages.
        wanted: Keys of the model, which may begin with such a prefix themselves.

    Returns:
        Weights by key. A prefix that all keys share (``module.``, ``_orig_mod.``,
        ``model.``, or several of them) is removed.

    Raises:
        CheckpointError: There are no weights, or not all of them are tensors.
    """
    if not isinstance(checkpoint, Mapping):
        raise CheckpointError(
            f'{path} holds a {type(checkpoint).__name__} and no weights'
        )
    wrapped = (checkpoint[key] for key in WRAPPERS if key in checkpoint)
    state = next((x for x in wrapped if isinstance(x, Mapping)), checkpoint)
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise CheckpointError(
                f'{path} holds no state_dict of tensors: {key!r:.60} is a '
                f'{type(value).__name__}'
            )
    if not state:
        raise CheckpointError(f'{path} holds no weights: its state_dict is empty')
    state = dict(state)
    prefixes = [p for p in PREFIXES if not any(key.startswith(p) for key in wanted)]
    while prefix := next(
        (p for p in prefixes if all(key.startswith(p) for key in state)), None
    ):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def check_tensors(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Check that weights are numbers a network can compute with.

    Args:
        state: Weights by key.
        path: The checkpoint, for messages.

    Raises:
        CheckpointError: A tensor has no values (meta device), is sparse or quantised,
            is complex or boolean, or holds NaN or infinity; the first is named.
    """
    for key, value in state.items():
        if value.device.type == 'meta':
            problem = 'has a shape but no values'
        elif value.layout != torch.strided or value.is_quantized:
            problem = 'is sparse or quantised'
        elif value.is_complex() or value.dtype == torch.bool:
            problem = f'is of type {value.dtype}'
        elif value.is_floating_point() and not _is_finite(value):
            problem = 'holds NaN or infinity'
        else:
            continue
        raise CheckpointError(f'{path} cannot be used: {key} {problem}')


def _is_finite(value: Tensor) -> bool:
    # float8 has no isfinite
    value = value.float() if value.element_size() < 2 else value
    return bool(torch.isfinite(value).all())


def checkpoint_classes(
    meta: Mapping[str, Any], path: str | Path
) -> tuple[str, ...] | None:
    """Read the names of the classes from ``meta`` of a checkpoint.

    Args:
        meta: ``meta`` of the checkpoint.
        path: The checkpoint, for messages.

    Returns:
        Names in the order of the outputs; None if there are none.

    Raises:
        CheckpointError: They are not a list of distinct names.
    """
    described = meta.get('dataset_meta') or {}
    classes = described.get('classes') if isinstance(described, Mapping) else described
    if classes is None or (isinstance(classes, (list, tuple)) and not classes):
        return None
    if (
        not isinstance(classes, (list, tuple))
        or not all(isinstance(name, str) for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise CheckpointError(
            f'{path}: dataset_meta gives the classes as {classes!r:.80}, expected a '
            f'list of distinct names'
        )
    return tuple(classes)


def check_fit(
    state: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    path: str | Path,
) -> None:
    """Check that weights are exactly those that a model needs.

    Args:
        state: Weights of a file, by key.
        wanted: ``model.state_dict()`` or a part of it.
        path: The checkpoint, for messages.

    Raises:
        CheckpointError: A key is missing or unknown, or has another shape or kind of
            number than in the model; up to three are named.
    """
    wrong = [f'{key} is missing' for key in wanted if key not in state]
    for key, value in wanted.items():
        given = state.get(key, value)
        if given.shape != value.shape:
            file, model = tuple(given.shape), tuple(value.shape)
        elif given.is_floating_point() != value.is_floating_point():
            file, model = given.dtype, value.dtype
        else:
            continue
        wrong.append(f'{key} is {file} in the file, {model} in the model')
    wrong += [f'{key} is unknown' for key in state if key not in wanted]
    if wrong:
        more = f', and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        raise CheckpointError(
            f'{path} does not fit the model ({len(wrong)} of {len(wanted)} weights): '
            f'{"; ".join(wrong[:3])}{more}. Is it a checkpoint of this config, with as '
            f'many classes?'
        )
