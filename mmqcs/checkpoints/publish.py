"""From a training checkpoint to one that is given to others."""

from collections.abc import Collection, Mapping
from pathlib import Path
from pickle import PicklingError
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from mmqcs.atomic import draft_of, publish_draft
from mmqcs.checkpoints.reference.convert import sha256
from mmqcs.checkpoints.safe_load import (
    CheckpointError,
    load_weights_only,
    nothing_allowed,
)
from mmqcs.checkpoints.weights import check_tensors, find_weights

TRAIN_ONLY = ('cross.', 'group_loss.')
"""Parts of a QCSClassifier that serve in training only."""


def strip_checkpoint(
    checkpoint: Any,
    keep_cross: bool = False,
    path: str | Path = 'the checkpoint',
    wanted: Collection[str] = (),
) -> dict[str, Any]:
    """Keep the weights of a checkpoint and its description, and nothing else.

    Optimiser, schedulers, logs, paths of other checkpoints and the second set of
    weights of an ``EMAHook`` go. If that hook was used, ``state_dict`` is what
    remains and holds the *averaged* weights: MMEngine swaps the two when it saves,
    so that a checkpoint tests as it was validated.

    Args:
        checkpoint: Content of a checkpoint; see :func:`mmqcs.checkpoints.find_weights`.
        keep_cross: Whether to keep the train-only parts of a QCS model.
        path: The checkpoint, for messages.
        wanted: Keys of the model, if it is known.

    Returns:
        ``meta`` and ``state_dict``.

    Raises:
        CheckpointError: It holds no weights or the train-only parts alone, ``meta`` is
            no dict, or a weight is not a finite number.
    """
    state = find_weights(checkpoint, path, wanted)
    if not keep_cross:
        state = {k: v for k, v in state.items() if not k.startswith(TRAIN_ONLY)}
    if not state:
        raise CheckpointError(f'{path} holds no weights that are used at test time')
    check_tensors(state, path)
    # a bare state dict has no meta
    meta = checkpoint.get('meta') or {}
    if not isinstance(meta, Mapping):
        raise CheckpointError(f'{path}: meta is a {type(meta).__name__}, not a dict')
    meta = {key: value for key, value in meta.items() if key != 'hook_msgs'}
    return {'meta': meta, 'state_dict': state}


def save_with_hash(checkpoint: Mapping[str, Any], path: str | Path) -> Path:
    """Saves a checkpoint as NAME-XXXXXXXX.pth, X being the start of its SHA-256.

    Args:
        checkpoint: What to save.
        path: NAME.pth.

    Returns:
        Path of the file.

    Raises:
        ValueError: It could not be loaded with ``weights_only=True``.
    """
    path = Path(path)
    if path.suffix != '.pth':
        raise ValueError(f'the name of the file must end in .pth, got {path}')
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    try:
        torch.save(checkpoint, draft)
        with nothing_allowed():  # as for whoever downloads it
            load_weights_only(draft)
        final = path.with_name(f'{path.stem}-{sha256(draft)[:8]}.pth')
        publish_draft(draft, final)
    except (CheckpointError, PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f'meta of the checkpoint holds more than numbers, text and containers, so '
            f'that others could not load it safely: {error}'
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return final


def inference_config(config: Config | Mapping[str, Any]) -> ConfigDict:
    """Turns a QCS model into a plain mmpretrain ``ImageClassifier``.

    Backbone, neck and head are kept; the train-only parts, random erasing and the
    initialisation of the backbone are not.

    Args:
        config: A whole config or its ``model``. It is not changed.

    Returns:
        Config of the model.

    Raises:
        ValueError: It is no config of a QCS classifier.
    """
    model = config.get('model', config)
    name = str(model.get('type', '')).split('.')[-1]
    if name != 'QCSClassifier':
        raise ValueError(f'expected the config of a QCSClassifier, got type {name!r}')
    backbone = {k: v for k, v in model['backbone'].items() if k != 'init_cfg'}
    plain = ConfigDict(
        type='mmpretrain.ImageClassifier', backbone=backbone, head=model['head']
    )
    if preprocessor := dict(model.get('data_preprocessor') or {}):
        preprocessor.pop('erasing', None)
        preprocessor['type'] = 'mmpretrain.ClsDataPreprocessor'
        plain.data_preprocessor = preprocessor
    if neck := dict(model.get('neck') or {}):
        if neck['type'].endswith('TokenPyramidNeck') and not neck.get('in_channels'):
            from mmqcs.models.classifiers.probe import probe_backbone
            from mmqcs.registry import MODELS

            size = model.get('input_size', 224)
            found = probe_backbone(MODELS.build(dict(backbone)), size)
            neck['in_channels'], neck['strides'] = found
        plain.neck = neck
    return plain
