"""Weights of the published training runs, under our names."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

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
"""Parameters of the published models that their forward pass never uses."""


class ConvertedState(NamedTuple):
    """A state dict under our names.

    Attributes:
        state_dict: Weights by the keys of our model.
        dropped: Published keys left out because the forward pass never uses them.
        missing: Keys of our model that the published weights do not fill.
    """

    state_dict: dict[str, Tensor]
    dropped: list[str]
    missing: list[str]


def reference_key(key: str) -> str | None:
    """Our name of a published parameter, or None if the forward never uses it.

    Args:
        key: Published name, with or without ``module.``.

    Raises:
        KeyError: The name is not of a published QCS or DCS model.
    """
    name = key.removeprefix('module.')
    if _UNUSED.fullmatch(name):
        return None
    for pattern, ours in _RULES:
        if pattern.fullmatch(name):
            return pattern.sub(ours, name)
    raise KeyError(key)


def convert_reference_state_dict(
    state_dict: Mapping[str, Tensor], model_keys: Iterable[str] | None = None
) -> ConvertedState:
    """Renames published QCS or DCS weights to the keys of the matching config.

    Args:
        state_dict: Weights of a published run: with or without ``module.``, with
            old (``embed_q``) or new (``embed_1``) pyramid names, of four or of
            two branches.
        model_keys: Keys of the model to fill, ``model.state_dict()``. Without them
            nothing can be reported as missing.

    Returns:
        The weights and what was dropped or is missing.

    Raises:
        ValueError: A key is unknown, two keys stand for one weight, or a
            converted key is not one of ``model_keys``.
    """
    converted: dict[str, Tensor] = {}
    dropped, unknown = [], []
    for key, value in state_dict.items():
        try:
            name = reference_key(key)
        except KeyError:
            unknown.append(key)
            continue
        if name is None:
            dropped.append(key)
        elif name in converted:
            raise ValueError(f'{key} and another key of the file both mean {name}')
        else:
            converted[name] = value
    if model_keys is None:
        model_keys = converted
    keys = set(model_keys)
    unknown += sorted(set(converted) - keys)
    if unknown:
        raise ValueError(
            f'{len(unknown)} keys are not of the published model that this config '
            f'builds: {", ".join(unknown[:5])}{", …" if len(unknown) > 5 else ""}'
        )
    return ConvertedState(converted, dropped, sorted(keys - set(converted)))
