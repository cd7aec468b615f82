"""Finds the weights in a checkpoint, checks them and loads them into a model."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .safe_load import CheckpointError

TRAIN_ONLY = ('cross.', 'group_loss.', 'teacher.')
"""Parts of our classifiers that are used in training only."""

WRAPPERS = ('state_dict', 'model_state_dict', 'model', 'net')
"""Keys under which training programs store the weights."""

PREFIXES = ('module.', '_orig_mod.', 'model.')
"""Prefixes that DataParallel, torch.compile and Lightning add to every key."""


def find_weights(
    checkpoint: Any, path: str | Path, wanted: Collection[str] = ()
) -> dict[str, Tensor]:
    """Find the weights of a model in what a checkpoint holds.

    Args:
        checkpoint: State dict, or a dict that holds one as ``state_dict``,
            ``model_state_dict``, ``model`` or ``net``.
        path: The checkpoint, for messages.
        wanted: Keys of the model. Prefixes that they have themselves are kept.

    Returns:
        Weights by key, without prefixes that all keys share (``module.``,
        ``_orig_mod.``, ``model.``).

    Raises:
        CheckpointError: There are no weights, or not all of them are tensors.
    """
    if not isinstance(checkpoint, Mapping):
        raise CheckpointError(
            f'{path} holds a {type(checkpoint).__name__}, not weights'
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
    """Check that weights are numbers that a network can use.

    Raises:
        CheckpointError: A tensor has no values (meta device), is sparse or quantised,
            is complex or boolean, or holds NaN or infinity. Names the path and the key.
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


def check_fit(
    state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: str | Path
) -> None:
    """Check that the weights of a file are exactly the ``wanted`` ones of a model.

    Raises:
        CheckpointError: A key is missing or unknown, or differs from the model in shape
            or kind of number. Names the path and up to three keys.
    """
    wrong = [f'{key} is missing' for key in wanted if key not in state]
    for key, value in wanted.items():
        given = state.get(key, value)
        if given.shape != value.shape:
            file, model = str(tuple(given.shape)), str(tuple(value.shape))
        elif given.is_floating_point() != value.is_floating_point():
            file, model = str(given.dtype), str(value.dtype)
        else:
            continue
        wrong.append(f'{key} is {file} in the file, {model} in the model')
    wrong += [f'{key} is unknown' for key in state if key not in wanted]
    if wrong:
        more = f', and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        raise CheckpointError(
            f'{path} does not fit the model ({len(wrong)} of {len(wanted)} weights): '
            f'{"; ".join(wrong[:3])}{more}. Is it a checkpoint of this config, with '
            f'the same number of classes?'
        )


def without_train_only(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the weights that our classifiers use in training only."""
    return {k: v for k, v in state.items() if not k.startswith(TRAIN_ONLY)}


def inference_weights(
    checkpoint: Any,
    path: str | Path,
    with_cross: bool = False,
    wanted: Collection[str] = (),
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights of a checkpoint that are used at test time, and its ``meta``.

    If an ``EMAHook`` was used, these are the *averaged* weights: MMEngine swaps the
    two sets when it saves, so that a checkpoint tests as it was validated. The
    train-only parts of our classifiers are included ``with_cross``.

    Raises:
        CheckpointError: It holds no weights or the train-only parts alone, ``meta`` is
            not a dict, or a weight is not a finite number.
    """
    state = find_weights(checkpoint, path, wanted)
    if not with_cross:
        state = without_train_only(state)
    if not state:
        raise CheckpointError(f'{path} holds no weights that are used at test time')
    check_tensors(state, path)
    meta = checkpoint.get('meta') or {}  # a bare state dict has none
    if not isinstance(meta, Mapping):
        raise CheckpointError(f'{path}: meta is a {type(meta).__name__}, not a dict')
    return state, dict(meta)


def load_inference_weights(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    path: str | Path,
    with_cross: bool = False,
) -> dict[str, Any]:
    """Load all weights that are used at test time into a model, or none.

    By default the train-only parts keep their initial values.

    Returns:
        ``meta`` of the checkpoint.

    Raises:
        CheckpointError: It holds no weights, weights that are not finite numbers, or
            other weights than the model has; up to three are named.
    """
    wanted = model.state_dict()
    state, meta = inference_weights(checkpoint, path, with_cross, wanted)
    if not with_cross:
        wanted = without_train_only(wanted)
    missing = [key for key in wanted if key not in state]
    if missing and all(key.startswith(TRAIN_ONLY) for key in missing):
        raise CheckpointError(
            f'{path} lacks the cross branch ({missing[0]}): use a checkpoint of the '
            f'training, or publish it with --keep-cross'
        )
    check_fit(state, wanted, path)
    model.load_state_dict(state, strict=False)
    return meta
