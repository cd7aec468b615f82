"""Names of the weights in published IR-Net files, and in ours."""

import re
from collections.abc import Sequence
from typing import Any

_NAMES = (
    (r'^input_layer\.', 'stem.'),
    (r'\.res_layer\.', '.residual.'),
    (r'\.shortcut_layer\.', '.shortcut.'),
)


def convert_ir_state_dict(
    state_dict: dict[str, Any], prefix: str, blocks: Sequence[int], stages: int
) -> None:
    """Renames published IR-Net keys in place; leaves our own names alone.

    Both layouts are known: ``body{1..4}.{block}.*`` and one flat list
    ``body.{N}.*`` over all stages. The recognition head ``output_layer.*`` and
    the stages that are not built are dropped.

    Args:
        state_dict: Weights, some keys of which start with ``prefix``.
        prefix: Prefix of the backbone in these keys, '' or ending in a dot.
        blocks: Blocks of each stage of the full network.
        stages: Number of stages that are built.

    Raises:
        ValueError: A flat list has other blocks than the network; or the file is
            loaded into the backbone alone and holds nothing of an IR-Net.
    """
    flat = [(s, b) for s, count in enumerate(blocks) for b in range(count)]
    own = {k: k.removeprefix(prefix) for k in state_dict if k.startswith(prefix)}
    if not prefix and not any(
        name.startswith(('input_layer.', 'stem.')) for name in own.values()
    ):
        raise ValueError(
            f'these are not the weights of an IR-Net: no input_layer.* or stem.* among '
            f'{len(own)} keys such as {", ".join(list(own)[:3])}. A checkpoint of a '
            f"whole model is loaded with init_cfg=dict(type='Pretrained', "
            f"checkpoint=..., prefix='backbone.')"
        )
    for key, name in own.items():
        if name.startswith('output_layer.'):
            del state_dict[key]
        elif match := re.match(r'body(\d*)\.(\d+)\.(.*)', name):
            group, index, rest = match.groups()
            stage, block = (int(group) - 1, int(index)) if group else (-1, int(index))
            if not group:
                if block >= len(flat):
                    raise ValueError(
                        f'{key} is block {block} of a deeper IR-Net than this one with '
                        f'{len(flat)} blocks; choose the depth of the file'
                    )
                stage, block = flat[block]
            value = state_dict.pop(key)
            if stage < stages:
                state_dict[prefix + _rename(f'stages.{stage}.{block}.{rest}')] = value
        elif name != _rename(name):
            state_dict[prefix + _rename(name)] = state_dict.pop(key)


def _rename(name: str) -> str:
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name
