"""Mixed precision and compiled blocks, behind one switch."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

import torch
import torch._dynamo
import torch.nn as nn

from .backbones.ir_net import IRBlock
from .encoders.token_encoder import EncoderBlock
from .necks.csa_neck import CSALevel

_BLOCKS = (IRBlock, EncoderBlock, CSALevel)

# A block class is compiled once for each shape that it meets: the stages, training
# and evaluation, and the last batch. PyTorch gives up after 8 by default.
_SHAPES = 64


@dataclass(frozen=True)
class FastMode:
    """How to compute faster, with other rounding.

    Args:
        dtype: ``'bfloat16'`` for autocast, ``'float32'`` for none, ``'auto'`` for
            bfloat16 where the device has matrix units for it: GPUs from Ampere on,
            CPUs with AMX. Other CPUs, even with AVX-512 BF16, compute in float32 at
            the same rate or a higher one, but bfloat16 still saves memory there.
        compile: Whether to compile the blocks of the network by ``torch.compile``.
            A block that cannot be compiled runs uncompiled, with a warning.

    Raises:
        ValueError: Another dtype. float16 needs a scaled loss: use
            ``mmqcs.AutocastOptimWrapper`` for it.
    """

    dtype: str = 'auto'
    compile: bool = True

    def __post_init__(self) -> None:
        if self.dtype not in ('auto', 'bfloat16', 'float32'):
            raise ValueError(
                f"dtype of fast must be 'auto', 'bfloat16' or 'float32', got "
                f'{self.dtype!r}; for float16, whose loss must be scaled, set '
                f"optim_wrapper=dict(type='mmqcs.AutocastOptimWrapper', "
                f"dtype='float16')"
            )

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """The precision of the forward pass, as a context."""
        chosen = self.dtype
        if chosen == 'auto':
            chosen = 'bfloat16' if multiplies_bfloat16(device.type) else 'float32'
        return torch.autocast(device.type, torch.bfloat16, enabled=chosen == 'bfloat16')


@cache
def multiplies_bfloat16(device_type: str) -> bool:
    """Whether a device has matrix units for bfloat16.

    Args:
        device_type: ``'cuda'``, ``'cpu'``; of others it is taken for granted.
    """
    if device_type == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type == 'cpu':
        has_tiles = getattr(torch.cpu, '_is_amx_tile_supported', None)
        return bool(has_tiles and has_tiles())
    return True


def compile_blocks(model: nn.Module) -> None:
    """Lets ``torch.compile`` take each block of a model, in place.

    Blocks of one kind share their compiled code, which keeps the start short. A
    backbone without blocks of this package is compiled as a whole. Parameters,
    names and checkpoints stay as they are.

    Args:
        model: A classifier with a ``backbone``.
    """
    config = torch._dynamo.config
    config.suppress_errors = True
    name = 'recompile_limit' if hasattr(config, 'recompile_limit') else None
    name = name or 'cache_size_limit'  # its name before torch 2.6
    setattr(config, name, max(_SHAPES, getattr(config, name)))
    blocks = [module for module in model.modules() if isinstance(module, _BLOCKS)]
    if not any(isinstance(module, IRBlock) for module in blocks):
        blocks.append(model.backbone)
    for block in blocks:
        block.compile(dynamic=False)
