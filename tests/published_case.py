"""Files as the published training runs wrote them."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reference_case import DATA
from torch import Tensor


def published_state(
    group: str = 'quadruplet', classes: int = 7, prefix: str = 'module.'
) -> dict[str, Tensor]:
    """All weights in their published shapes, each a view of a single zero."""
    state = {}
    for key, shape in json.loads((DATA / 'qcs_raf_keys.json').read_text()).items():
        if '.head.linear.' in key:
            shape = [classes, *shape[1:]]
        dtype = torch.int64 if key.endswith('num_batches_tracked') else None
        if group == 'quadruplet' or not key.endswith('.theta'):
            state[prefix + key] = torch.zeros((), dtype=dtype).expand(shape)
    return state


def new_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with the newer names of the pyramid."""
    for old, new in zip('qkv', '123', strict=True):
        state = {k.replace(f'embed_{old}', f'embed_{new}'): v for k, v in state.items()}
    return state


def backbone_state(flat: bool = False) -> dict[str, Tensor]:
    """``ir50.pth``: four stages and the recognition head, in either key layout."""
    state = {}
    for key, value in published_state(prefix='').items():
        if key.startswith('ir_back.'):
            state[key.removeprefix('ir_back.')] = value
    for block in range(3):
        name = f'body4.{block}.res_layer.1.weight'
        state[name] = torch.zeros(()).expand(512, 512 if block else 256, 3, 3)
    if not flat:
        return state
    first = dict(zip('1234', (0, 3, 7, 21), strict=True))
    renamed = {}
    for key, value in state.items():
        stage, _, rest = key.removeprefix('body').partition('.')
        if stage in first:
            block, _, rest = rest.partition('.')
            key = f'body.{first[stage] + int(block)}.{rest}'
        renamed[key] = value
    return renamed


def write_published(
    path: Path, state: dict[str, Tensor], best_acc: Any = 92.5033, **torch_save: Any
) -> Path:
    """Writes a file with objects of classes that only the training script had."""
    main = sys.modules['__main__']
    members = {'__module__': '__main__', '__qualname__': 'RecorderMeter'}
    main.RecorderMeter = type('RecorderMeter', (), members)
    recorder = main.RecorderMeter()
    recorder.losses = np.zeros((3, 2))
    checkpoint = {
        'epoch': 143,
        'state_dict': state,
        'best_acc': best_acc,
        'optimizer': {'state': {0: {'step': 3, 'exp_avg': torch.zeros(2)}}},
        'recorder': recorder,
        'recorder_m': main.RecorderMeter(),
    }
    try:
        torch.save(checkpoint, path, **torch_save)
    finally:
        del main.RecorderMeter
    return path


class Bomb:
    """Pickles as a call of a function with some arguments."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call
