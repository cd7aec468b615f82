"""Weights and inputs of the parity files, made from their formula.

``g(tag)`` is standard normal noise seeded with the CRC-32 of a tag, so a file
need only hold results. See ``weights`` for how noise becomes a parameter.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parent / 'data'


def noise(tag: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(tag.encode()))
    return rng.standard_normal(shape).astype(np.float32)


def weights(keys_file: str, salt: str = '') -> dict[str, Tensor]:
    """State dict of the reference model whose names and shapes a file lists."""
    shapes = json.loads((DATA / keys_file).read_text())
    state = {}
    for key, shape in shapes.items():
        if key.endswith('num_batches_tracked'):
            state[key] = torch.zeros((), dtype=torch.long)
            continue
        g = noise(salt + key, tuple(shape))
        if key.endswith('.theta'):
            value = np.full(shape, 0.3, dtype=np.float32)
        elif key.endswith('.running_var'):
            value = 1 + 0.1 * np.abs(g)
        elif key.endswith('.running_mean'):
            value = 0.1 * g
        elif key.endswith(('.cls_token', '.pos_embed')):
            value = 0.02 * g
        elif len(shape) >= 2:
            value = g * np.sqrt(1 / np.prod(shape[1:]))
        elif key.endswith('.weight'):
            prelu = key.removesuffix('weight') + 'bias' not in shapes
            value = 0.25 + 0.02 * g if prelu else 1 + 0.1 * g
        else:
            value = 0.02 * g
        state[key] = torch.from_numpy(np.asarray(value, dtype=np.float32))
    return state


def images(branches: int, batch: int = 2, salt: str = '') -> Tensor:
    """Normalised images in branch-major order, (branches · batch, 3, 224, 224)."""
    return torch.from_numpy(
        np.concatenate(
            [noise(f'{salt}image{i}', (batch, 3, 224, 224)) for i in range(branches)]
        )
    )
