"""Turns a training checkpoint into one for others."""

from collections.abc import Mapping
from pathlib import Path
from pickle import PicklingError
from typing import Any

import torch

from mmqcs.atomic import draft_of, publish_draft
from mmqcs.checkpoints.reference.convert import sha256
from mmqcs.checkpoints.safe_load import CheckpointError, load_weights_only
from mmqcs.checkpoints.weights import inference_weights


def strip_checkpoint(
    checkpoint: Any, keep_cross: bool = False, path: str | Path = 'the checkpoint'
) -> dict[str, Any]:
    """Keep the weights of a checkpoint and its description, and nothing else.

    Optimizer, schedulers, logs, paths of other checkpoints, the second set of weights
    of an ``EMAHook`` and, unless ``keep_cross`` is set, the train-only parts of a QCS
    model are left out. See :func:`mmqcs.checkpoints.weights.inference_weights`.
    """
    state, meta = inference_weights(checkpoint, path, keep_cross)
    meta.pop('hook_msgs', None)
    return {'meta': meta, 'state_dict': state}


def save_with_hash(checkpoint: Mapping[str, Any], path: str | Path) -> Path:
    """Save a checkpoint as NAME-XXXXXXXX.pth, where X is the start of its SHA-256.

    Takes NAME.pth and returns the path of the file.

    Raises:
        ValueError: The file could not be loaded with ``weights_only=True``.
    """
    path = Path(path)
    if path.suffix != '.pth':
        raise ValueError(f'the file name must end in .pth, got {path}')
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    try:
        torch.save(checkpoint, draft)
        load_weights_only(draft, mmengine=False)  # as others will
        final = path.with_name(f'{path.stem}-{sha256(draft)[:8]}.pth')
        publish_draft(draft, final)
    except (CheckpointError, PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f'meta of the checkpoint holds more than numbers, text and containers, so '
            f'others could not load it safely: {error}'
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return final
