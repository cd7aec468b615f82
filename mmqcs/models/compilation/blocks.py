"""``torch.compile`` for the blocks of a network."""

import torch._dynamo
import torch.nn as nn

from mmqcs.models.backbones.ir_net import IRBlock
from mmqcs.models.encoders.token_encoder import EncoderBlock
from mmqcs.models.necks.csa_neck import CSALevels

_BLOCKS = (IRBlock, EncoderBlock, CSALevels)

# A block class is compiled once for each shape: the stages, training and evaluation,
# and the last batch. PyTorch gives up after 8 by default.
_SHAPES = 64


def compile_blocks(model: nn.Module) -> None:
    """Compiles each block of a model on first use, in place.

    Blocks of one kind share their compiled code, which keeps the start short. A
    backbone without blocks of this package is compiled as a whole. A block that
    cannot be compiled runs uncompiled, with a warning. Parameters, names and
    checkpoints stay as they are.

    Args:
        model: A classifier with a ``backbone``.
    """
    config = torch._dynamo.config
    config.suppress_errors = True
    config.recompile_limit = max(_SHAPES, config.recompile_limit)
    blocks = [module for module in model.modules() if isinstance(module, _BLOCKS)]
    if not any(isinstance(module, IRBlock) for module in blocks):
        blocks.append(model.backbone)
    for block in blocks:
        block.compile(dynamic=False)
