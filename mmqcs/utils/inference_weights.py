"""Loading the weights that serve at test time, all of them or none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from .publish import TRAIN_ONLY, strip_checkpoint
from .safe_load import CheckpointError

__all__ = ['load_inference_weights']


def load_inference_weights(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    path: str | Path,
    with_cross: bool = False,
) -> Mapping[str, Any]:
    """Loads a checkpoint into a classifier for inference.

    Args:
        model: Classifier, changed in place.
        checkpoint: Checkpoint of a run of MMEngine, or a state dict.
        path: Where it comes from, for messages.
        with_cross: Whether the train-only parts of QCS are loaded as well. By default
            they are left alone.

    Returns:
        ``meta`` of the checkpoint.

    Raises:
        CheckpointError: It holds no weights, or others than the model has, of which up
            to three are named.
    """
    try:
        checkpoint = strip_checkpoint(checkpoint, keep_cross=with_cross)
    except ValueError as error:
        raise CheckpointError(f'{path}: {error}') from error
    # of a model that was saved inside of DataParallel
    state = {k.removeprefix('module.'): v for k, v in checkpoint['state_dict'].items()}
    wanted = model.state_dict()
    if not with_cross:
        state, wanted = (
            {k: v for k, v in weights.items() if not k.startswith(TRAIN_ONLY)}
            for weights in (state, wanted)
        )
    missing = [key for key in wanted if key not in state]
    if missing and all(key.startswith(TRAIN_ONLY) for key in missing):
        raise CheckpointError(
            f'{path} lacks the cross branch ({missing[0]}): take a checkpoint of the '
            f'training, or publish it with --keep-cross'
        )
    wrong = [f'{key} is missing' for key in missing]
    wrong += [
        f'{key} is {tuple(state[key].shape)} in the file, {tuple(value.shape)} in the '
        f'model'
        for key, value in wanted.items()
        if key in state and state[key].shape != value.shape
    ]
    wrong += [
        f'{key} is unknown'
        for key in state
        if key not in wanted and not key.startswith(TRAIN_ONLY)
    ]
    if wrong:
        more = f', and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        raise CheckpointError(
            f'{path} does not fit the model ({len(wrong)} of {len(wanted)} weights): '
            f'{"; ".join(wrong[:3])}{more}. Is it a checkpoint of this config, with as '
            f'many classes?'
        )
    model.load_state_dict(state, strict=False)
    return checkpoint['meta']
