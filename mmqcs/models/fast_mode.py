"""Mixed precision and compiled blocks, behind one switch."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

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
        dtype: ``'bfloat16'`` for autocast, or ``'float32'`` for none.
        compile: Whether to compile the blocks of the network by ``torch.compile``.
            A block that cannot be compiled runs uncompiled, with a warning.

    Raises:
        ValueError: Another dtype. float16 needs a scaled loss: use
            ``mmqcs.AutocastOptimWrapper`` for it.
    """

    dtype: str = 'bfloat16'
    compile: bool = True

    def __post_init__(self) -> None:
        if self.dtype not in ('bfloat16', 'float32'):
            raise ValueError(
                f"dtype of fast must be 'bfloat16' or 'float32', got {self.dtype!r}; "
                f'for float16, whose loss must be scaled, set '
                f"optim_wrapper=dict(type='mmqcs.AutocastOptimWrapper', "
                f"dtype='float16')"
            )

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """The precision of the forward pass, as a context."""
        return torch.autocast(
            device.type, torch.bfloat16, enabled=self.dtype == 'bfloat16'
        )


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
