"""Renames the weights of the published training runs to the names of mmqcs."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

from mmqcs.checkpoints.reference.architecture import published_state

# Published names and those of mmqcs, for each level and branch.
_TABLE = r"""
ir_back\.input_layer\.(.*)                        backbone.stem.\1
ir_back\.body{number}\.(\d+)\.res_layer\.(.*)     {stage}.\1.residual.\2
ir_back\.body{number}\.(\d+)\.shortcut_layer\.(.*)  {stage}.\1.shortcut.\2
conv{number}\.(\w+)                               neck.levels.{level}.0.\1
embed_(?:q|1)\.0\.(\w+)                           neck.levels.0.1.\1
embed_(?:q|1)\.1\.(\w+)                           neck.levels.0.2.\1
embed_(?:k|2)\.0\.(\w+)                           neck.levels.1.1.\1
embed_(?:v|3)\.proj\.(\w+)                        neck.levels.2.1.\1
VIT_{vit}\.(cls_token|pos_embed|norm\.\w+)        {encoder}.\1
VIT_{vit}\.(blocks\.\d+\.(?:norm[12]|attn\.qkv|attn\.proj)\.\w+)  {encoder}.\1
VIT_{vit}\.(blocks\.\d+\.)mlp\.fc1\.(\w+)         {encoder}.\1ffn.layers.0.0.\2
VIT_{vit}\.(blocks\.\d+\.)mlp\.fc2\.(\w+)         {encoder}.\1ffn.layers.1.\2
VIT_{vit}\.se_block\.linear1\.(\w+)               {head}.gate.0.\1
VIT_{vit}\.se_block\.linear2\.(\w+)               {head}.gate.2.\1
VIT_{vit}\.head\.linear\.(\w+)                    {head}.fc.\1
cross_attention_{number}\.(theta|(?:norm1|norm2|proj)\.\w+)  {attention}.\1
cross_attention_{number}\.mlp\.fc1\.(\w+)         {attention}.ffn.layers.0.0.\1
cross_attention_{number}\.mlp\.fc2\.(\w+)         {attention}.ffn.layers.1.\1
"""
_BRANCHES = (
    {'vit': 'base', 'encoder': 'neck.encoder', 'head': 'head'},
    {'vit': 'cross', 'encoder': 'cross.encoder', 'head': 'cross.head'},
)
_RULES = [
    (re.compile(theirs), ours)
    for level in range(3)
    for branch in _BRANCHES
    for theirs, ours in (
        line.format(
            level=level,
            number=level + 1,
            stage=f'backbone.stages.{level}',
            attention=f'cross.attention.levels.{level}',
            **branch,
        ).split()
        for line in _TABLE.strip().splitlines()
    )
]

_UNUSED = re.compile(
    r'ir_back\.output_layer\..*'
    r'|VIT_(?:base|cross)\.(?:patch_embed|eca_block|CON1|IRLinear1|IRLinear2)\..*'
    r'|VIT_(?:base|cross)\.blocks\.\d+\.conv\..*'
    r'|fusion\..*'
)
"""Parameters that the forward pass of the published models never uses."""


class ConvertedState(NamedTuple):
    """Converted state dict.

    Attributes:
        state_dict: Weights by the keys of the mmqcs model.
        dropped: Published keys that the forward pass never uses.
        missing: Keys of the mmqcs model that the published weights do not fill.
    """

    state_dict: dict[str, Tensor]
    dropped: list[str]
    missing: list[str]


class ReferenceKind(NamedTuple):
    """Group of published weights, and classes of their heads, None without a head.

    The group is ``'quadruplet'`` (QCS, which has theta) or ``'pair'`` (DCS).
    """

    group: str
    num_classes: int | None


def reference_key(key: str) -> str | None:
    """Return the mmqcs name of a published parameter, None if it is never used.

    Raises:
        KeyError: No published QCS or DCS model has this name.
    """
    name = key.removeprefix('module.')
    if _UNUSED.fullmatch(name):
        return None
    for pattern, ours in _RULES:
        if pattern.fullmatch(name):
            return pattern.sub(ours, name)
    raise KeyError(key)


def reference_kind(state_dict: Mapping[str, Tensor]) -> ReferenceKind:
    """Tell whether published weights belong to QCS or DCS, and for how many classes.

    Raises:
        ValueError: The two heads have different numbers of classes.
    """
    group, classes = 'pair', set()
    for key, value in state_dict.items():
        if key.endswith('.theta'):
            group = 'quadruplet'
        elif key.endswith('.head.linear.bias'):
            classes.add(value.numel())
    if len(classes) > 1:
        counts = ' and '.join(map(str, sorted(classes)))
        raise ValueError(f'the two heads have {counts} classes, expected one number')
    return ReferenceKind(group, classes.pop() if classes else None)


def convert_reference_state_dict(
    state_dict: Mapping[str, Tensor],
    model_keys: Mapping[str, Tensor] | Iterable[str] | None = None,
) -> ConvertedState:
    """Rename published QCS or DCS weights to the keys of the matching config.

    Args:
        state_dict: Weights of a published run: with or without ``module.``, with old
            (``embed_q``) or new (``embed_1``) pyramid names, with four or two
            branches.
        model_keys: Keys of the model to fill, or a mapping such as
            ``model.state_dict()``, which gives the shapes as well. Without shapes,
            those of the published model are used; its group and classes follow from
            the weights.

    Returns:
        The weights, and the keys that were dropped or are missing.

    Raises:
        ValueError: A key is unknown, belongs to another model or has a wrong shape,
            or two keys stand for one weight.
    """
    converted, source, dropped = _rename(state_dict)
    known = model_keys
    if not isinstance(known, Mapping):
        kind = reference_kind(state_dict)
        known = published_state(kind.group, kind.num_classes or 7)
    shapes = {key: tuple(value.shape) for key, value in known.items()}
    keys = shapes.keys() if model_keys is None else set(model_keys)
    if unknown := [source[name] for name in converted if name not in keys]:
        raise ValueError(_unknown(unknown))
    for name, value in converted.items():
        if tuple(value.shape) != shapes.get(name, tuple(value.shape)):
            raise ValueError(
                f'{source[name]} ({name}) has shape {tuple(value.shape)}, expected '
                f'{shapes[name]}'
                + (': another number of classes' if '.fc.' in name else '')
            )
    return ConvertedState(converted, dropped, sorted(keys - converted.keys()))


def _rename(
    state_dict: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, str], list[str]]:
    """Return weights and published keys by mmqcs name, and the unused keys."""
    source: dict[str, str] = {}
    converted, dropped, unknown = {}, [], []
    for key, value in state_dict.items():
        try:
            name = reference_key(key)
        except (KeyError, AttributeError):
            unknown.append(str(key))
            continue
        if not isinstance(value, Tensor):
            raise ValueError(f'{key} is a {type(value).__name__}, not a tensor')
        if name is None:
            dropped.append(key)
        elif name in converted:
            raise ValueError(f'{key} and {source[name]} both mean {name}')
        else:
            converted[name], source[name] = value, key
    if unknown:
        raise ValueError(_unknown(unknown))
    return converted, source, dropped


def _unknown(keys: list[str]) -> str:
    return (
        f'{len(keys)} keys do not belong to the published model of this config: '
        f'{", ".join(keys[:5])}{", …" if len(keys) > 5 else ""}'
    )
