"""Converts the names of the weights in public IR-Net files."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ['check_ir_weights', 'convert_ir_state_dict']

PREFIXES = ('', 'module.', 'model.', 'net.', 'backbone.')
"""Prefixes of the backbone in files, some of which also hold a recognition head."""

FIRST = ('stem.0.weight', 'input_layer.0.weight', 'conv1.weight')
"""First weight of an IR-Net: mmqcs, face.evoLVe and AdaFace, InsightFace."""

_STEM = {'conv1': 'stem.0', 'bn1': 'stem.1', 'prelu': 'stem.2'}
_BLOCK = {
    'bn1': 'residual.0',
    'conv1': 'residual.1',
    'bn2': 'residual.2',
    'prelu': 'residual.3',
    'conv2': 'residual.4',
    'bn3': 'residual.5',
    'downsample': 'shortcut',
}
"""Names of InsightFace; stem and blocks share some."""

_RECOGNITION = re.compile(r'(output_layer|bn2|fc|features|head)\.')
"""Embedding and classes of a face recogniser, after the last stage."""


def convert_ir_state_dict(
    state_dict: dict[str, Any], prefix: str, blocks: Sequence[int], stages: int
) -> None:
    """Rename the keys of public IR-Net files in place, and keep those of mmqcs.

    The names of face.evoLVe, AdaFace, CVLFace and TFace are ``body{1..4}.{block}.*``,
    or ``body.{N}.*`` for the blocks of all stages; those of InsightFace are
    ``layer{1..4}.{block}.*``. The recognition head and stages that are not built are
    dropped.

    Args:
        state_dict: Weights, some keys of which start with ``prefix``.
        prefix: Prefix of the backbone in these keys: empty, or ending in a dot.
        blocks: Number of blocks of each stage of the full network.
        stages: Number of stages that are built.

    Raises:
        ValueError: If the file has more blocks than the network or, for an empty
            prefix, holds no IR-Net.
    """
    if not prefix:
        _strip_wrapper(state_dict)
    flat = [(s, b) for s, count in enumerate(blocks) for b in range(count)]
    own = {k: k.removeprefix(prefix) for k in state_dict if k.startswith(prefix)}
    insightface = 'conv1.weight' in own.values()
    for key, name in own.items():
        value = state_dict.pop(key)
        if _RECOGNITION.match(name):
            continue
        if match := re.fullmatch(r'body(\d*)\.(\d+)\.(.*)', name):
            group, block, rest = match[1], int(match[2]), match[3]
            if not group and block >= len(flat):
                raise ValueError(
                    f'{key} is block {block} of a deeper IR-Net than this one with '
                    f'{len(flat)} blocks; choose the depth of the file'
                )
            stage, block = (int(group) - 1, block) if group else flat[block]
            rest = rest.replace('res_layer.', 'residual.', 1)
            name = (
                f'stages.{stage}.{block}.{rest.replace("shortcut_layer", "shortcut")}'
            )
        elif match := re.fullmatch(r'layer(\d)\.(\d+)\.(\w+)\.(.*)', name):
            part = _BLOCK.get(match[3], match[3])
            name = f'stages.{int(match[1]) - 1}.{match[2]}.{part}.{match[4]}'
        elif insightface:
            part, _, rest = name.partition('.')
            name = f'{_STEM.get(part, part)}.{rest}'
        else:
            name = re.sub(r'^input_layer\.', 'stem.', name)
        if (match := re.match(r'stages\.(\d+)\.', name)) and int(match[1]) >= stages:
            continue
        state_dict[prefix + name] = value


def _strip_wrapper(state_dict: dict[str, Any]) -> None:
    """Keep only the backbone of a file that holds it under a prefix."""
    for prefix in PREFIXES:
        if any(prefix + key in state_dict for key in FIRST):
            inner = {
                k.removeprefix(prefix): v
                for k, v in state_dict.items()
                if k.startswith(prefix)
            }
            state_dict.clear()
            state_dict.update(inner)
            return
    raise ValueError(
        f'these are not the weights of an IR-Net: none of {", ".join(FIRST)} is among '
        f'{len(state_dict)} keys such as {", ".join(map(str, list(state_dict)[:3]))}. '
        f'A checkpoint of a whole model is loaded with init_cfg=dict('
        f"type='Pretrained', checkpoint=..., prefix='backbone.')"
    )


def check_ir_weights(
    given: Mapping[str, Any], wanted: Mapping[str, Any], settings: str
) -> None:
    """Check that converted weights are exactly those of a network.

    Args:
        given: Weights with the names of mmqcs.
        wanted: State dict of the network.
        settings: Settings of the network, for messages.

    Raises:
        ValueError: If weights are missing, unknown or of another shape. The message
            names the variant and mode that the file looks like.
    """
    details = [
        f'{k} is missing'
        for k in wanted
        # Old files do not count batches.
        if k not in given and not k.endswith('num_batches_tracked')
    ]
    details += [f'{k} is unknown' for k in given if k not in wanted]
    details += [
        f'{k} is {tuple(given[k].shape)}, expected {tuple(value.shape)}'
        for k, value in wanted.items()
        if k in given and given[k].shape != value.shape
    ]
    if details:
        raise ValueError(
            f'the weights do not fit an IR-Net with {settings}: '
            f'{"; ".join(details[:3])} ({len(details)} in all). {_advice(given)}'
        )


def _advice(given: Collection[str]) -> str:
    block = 'stages.0.0.'
    variant = 'adaface'
    if f'{block}residual.2.running_mean' not in given:
        variant = 'evolve'
    elif f'{block}shortcut.0.weight' in given:
        variant = 'insightface'
    mode = 'ir_se' if any('.fc1.' in k for k in given if k.startswith(block)) else 'ir'
    return f'The file looks like one of variant={variant!r}, mode={mode!r}'
