"""Converts files of the published training runs to checkpoints of mmqcs."""

import hashlib
import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mmqcs.checkpoints.reference.architecture import (
    State,
    model_state,
    published_state,
)
from mmqcs.checkpoints.reference.keys import (
    convert_reference_state_dict,
    reference_kind,
)
from mmqcs.checkpoints.reference.recipes import find_recipe
from mmqcs.checkpoints.safe_load import read_checkpoint
from mmqcs.checkpoints.weights import check_fit, find_weights
from mmqcs.models import IRNet
from mmqcs.models.backbones.ir_net_keys import convert_ir_state_dict
from mmqcs.version import __version__


class Target(NamedTuple):
    """A model to convert to: name of its config, its state dict, its classes."""

    name: str
    state: State
    dataset_meta: dict[str, Any]


def convert_published_file(
    path: str | Path, recipe: str | None = None, target: Target | None = None
) -> dict[str, Any]:
    """Read and convert a published file, without running code that is in it.

    Args:
        path: File of a QCS or DCS run, or ``ir50.pth``.
        recipe: Name of the recipe, needed if the file does not tell it.
        target: Model to convert to, if it is not a published recipe.

    Returns:
        ``meta`` and ``state_dict`` in MMEngine's form. ``meta`` holds
        ``dataset_meta`` (except for a backbone), ``source`` (file name, SHA-256,
        epoch, best accuracy in percent), ``recipe``, and ``dropped``, the keys that
        were left out.

    Raises:
        ValueError: The file is of another kind, is damaged, asks to run something,
            lacks weights, or does not fit the recipe.
    """
    checkpoint = read_checkpoint(path)
    state = find_weights(checkpoint, path)
    source: dict[str, Any] = {
        'file': Path(path).name,
        'sha256': sha256(path),
        'epoch': _number(checkpoint.get('epoch')),
        'best_accuracy': _number(checkpoint.get('best_acc')),
    }
    meta = {'mmqcs_version': __version__, 'source': source}
    if any(key.startswith('input_layer.') for key in state):
        if recipe or target:
            raise ValueError(
                f'{path} holds only a backbone: leave out --recipe and --config'
            )
        weights, dropped = convert_backbone(state)
        meta['recipe'] = 'ir50'
    else:
        kind = reference_kind(state)
        if kind.num_classes is None:
            raise ValueError(
                f'{path} is not from a published QCS or DCS run: it has keys such as '
                f'{", ".join(list(state)[:3])}, but no VIT_base.head.linear.bias'
            )
        if target is None:
            found = find_recipe(*kind, source['best_accuracy'], recipe)
            target = Target(
                found.name,
                published_state(found.group, len(found.classes)),
                {'dataset_name': found.dataset, 'classes': found.classes},
            )
        converted = convert_reference_state_dict(state, target.state)
        check_fit(converted.state_dict, target.state, path)
        weights, dropped = converted.state_dict, converted.dropped
        meta['recipe'] = target.name
        meta['dataset_meta'] = target.dataset_meta
    return {'meta': meta | {'dropped': dropped}, 'state_dict': weights}


def convert_backbone(
    state_dict: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], list[str]]:
    """Rename the weights of ``ir50.pth``, in either key layout, to those of IRNet.

    Returns:
        The weights of the three stages, and the keys that were dropped: the fourth
        stage and the recognition head.

    Raises:
        ValueError: Weights are missing, unknown or have a wrong shape.
    """
    names = {key: key for key in state_dict}  # ours and theirs, once converted
    convert_ir_state_dict(names, '', IRNet.arch_settings[50], 3)
    weights = {ours: state_dict[theirs] for ours, theirs in names.items()}
    check_fit(weights, model_state(dict(type='mmqcs.IRNet', depth=50)), 'the file')
    dropped = sorted(state_dict.keys() - set(names.values()))
    return weights, dropped


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _number(value: Any) -> float | int | None:
    """Return a number that runs saved as a float, tensor or numpy scalar."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, Real) and math.isfinite(value):
        return int(value) if isinstance(value, Integral) else float(value)
    return None
