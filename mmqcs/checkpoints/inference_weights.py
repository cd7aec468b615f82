"""Load the weights that are used at test time: all of them or none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmqcs.checkpoints.publish import TRAIN_ONLY, strip_checkpoint
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.checkpoints.weights import check_fit

__all__ = ['load_inference_weights']


def load_inference_weights(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    path: str | Path,
    with_cross: bool = False,
) -> Mapping[str, Any]:
    """Load a checkpoint into a classifier for inference.

    Args:
        model: Classifier, changed in place.
        checkpoint: Content of a checkpoint; see :func:`mmqcs.checkpoints.find_weights`.
        path: The checkpoint, for messages.
        with_cross: Whether the train-only parts of QCS are loaded as well. By default
            they keep their initial values.

    Returns:
        ``meta`` of the checkpoint.

    Raises:
        CheckpointError: It holds no weights, weights that are not finite numbers, or
            other weights than the model has; the message names up to three.
    """
    wanted = model.state_dict()
    checkpoint = strip_checkpoint(checkpoint, with_cross, path, wanted)
    state = checkpoint['state_dict']
    if not with_cross:
        wanted = {k: v for k, v in wanted.items() if not k.startswith(TRAIN_ONLY)}
    missing = [key for key in wanted if key not in state]
    if missing and all(key.startswith(TRAIN_ONLY) for key in missing):
        raise CheckpointError(
            f'{path} lacks the cross branch ({missing[0]}): take a checkpoint of the '
            f'training, or publish it with --keep-cross'
        )
    check_fit(state, wanted, path)
    model.load_state_dict(state, strict=False)
    return checkpoint['meta']
