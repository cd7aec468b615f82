"""Renames the weights of the published training runs to the names of mmqcs."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

from mmqcs.checkpoints.reference.architecture import published_shapes

_ENCODER = (
    (r'(cls_token|pos_embed|norm\.\w+)', r'{path}encoder.\1'),
    (r'(blocks\.\d+\.(?:norm1|norm2|attn\.qkv|attn\.proj)\.\w+)', r'{path}encoder.\1'),
    (r'(blocks\.\d+\.)mlp\.fc1\.(\w+)', r'{path}encoder.\1ffn.layers.0.0.\2'),
    (r'(blocks\.\d+\.)mlp\.fc2\.(\w+)', r'{path}encoder.\1ffn.layers.1.\2'),
)
_HEAD = (
    (r'se_block\.linear1\.(\w+)', r'{path}head.gate.0.\1'),
    (r'se_block\.linear2\.(\w+)', r'{path}head.gate.2.\1'),
    (r'head\.linear\.(\w+)', r'{path}head.fc.\1'),
)


def _rules() -> list[tuple[str, str]]:
    rules = [
        (r'ir_back\.input_layer\.(.*)', r'backbone.stem.\1'),
        *(
            (
                rf'ir_back\.body{stage + 1}\.(\d+)\.{theirs}\.(.*)',
                rf'backbone.stages.{stage}.\1.{ours}.\2',
            )
            for stage in range(3)
            for theirs, ours in (
                ('res_layer', 'residual'),
                ('shortcut_layer', 'shortcut'),
            )
        ),
        *(
            (rf'conv{level + 1}\.(\w+)', rf'neck.levels.{level}.0.\1')
            for level in range(3)
        ),
        (r'embed_(?:q|1)\.0\.(\w+)', r'neck.levels.0.1.\1'),
        (r'embed_(?:q|1)\.1\.(\w+)', r'neck.levels.0.2.\1'),
        (r'embed_(?:k|2)\.0\.(\w+)', r'neck.levels.1.1.\1'),
        (r'embed_(?:v|3)\.proj\.(\w+)', r'neck.levels.2.1.\1'),
    ]
    for theirs, encoder, head in (
        (r'VIT_base\.', 'neck.', ''),
        (r'VIT_cross\.', 'cross.', 'cross.'),
    ):
        rules += [(theirs + a, b.format(path=encoder)) for a, b in _ENCODER]
        rules += [(theirs + a, b.format(path=head)) for a, b in _HEAD]
    for level in range(3):
        theirs = rf'cross_attention_{level + 1}\.'
        ours = f'cross.attention.levels.{level}.'
        rules += [
            (theirs + r'(theta|(?:norm1|norm2|proj)\.\w+)', ours + r'\1'),
            (theirs + r'mlp\.fc1\.(\w+)', ours + r'ffn.layers.0.0.\1'),
            (theirs + r'mlp\.fc2\.(\w+)', ours + r'ffn.layers.1.\1'),
        ]
    return rules


_RULES = [(re.compile(a), b) for a, b in _rules()]

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
    """Kind of model that published weights belong to.

    Attributes:
        group: ``'quadruplet'`` (QCS, which has theta) or ``'pair'`` (DCS).
        num_classes: Number of classes of the heads; None if the file has no head.
    """

    group: str
    num_classes: int | None


def reference_key(key: str) -> str | None:
    """Return the mmqcs name of a published parameter, None if it is never used.

    Args:
        key: Published name, with or without ``module.``.

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

    Args:
        state_dict: Weights of a published run.

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
    if isinstance(model_keys, Mapping):
        shapes = {key: tuple(value.shape) for key, value in model_keys.items()}
    else:
        kind = reference_kind(state_dict)
        shapes = published_shapes(kind.group, kind.num_classes or 7)
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
    converted, source, dropped, unknown = {}, {}, [], []
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
