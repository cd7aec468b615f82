"""``torch.compile`` for the parts of a network."""

from collections.abc import Iterator

import torch._dynamo
import torch.nn as nn
from mmpretrain.models.classifiers import BaseClassifier

from mmqcs.models.backbones.ir_net import IRBlock, IRStem
from mmqcs.models.encoders.token_encoder import EncoderBlock
from mmqcs.models.necks.csa_neck import CSALevels

# A class of parts is compiled once for each shape: the stages, training and
# evaluation, and the last batch. PyTorch gives up after 8 by default.
_SHAPES = 64


def compile_blocks(model: BaseClassifier) -> None:
    """Compiles the parts of a classifier on first use, in place.

    These are its backbone, neck, head and cross branch. If activations are recomputed
    (``with_cp``), they are the blocks instead, since each of them is run again. A part
    that cannot be compiled runs uncompiled, with a warning. Parameters, names and
    checkpoints stay as they are.

    Args:
        model: A classifier of this package or of MMPretrain.

    Raises:
        TypeError: The model has none of these parts.
    """
    config = torch._dynamo.config
    config.suppress_errors = True
    config.recompile_limit = max(_SHAPES, config.recompile_limit)
    recomputes = any(getattr(module, 'with_cp', False) for module in model.modules())
    parts = list(_blocks(model) if recomputes else _parts(model))
    if not parts:
        raise TypeError(
            f'{type(model).__name__} has no backbone, neck or head to compile'
        )
    for part in parts:
        part.compile(dynamic=False)


def _parts(model: BaseClassifier) -> Iterator[nn.Module]:
    parts = (getattr(model, x, None) for x in ('backbone', 'neck', 'head', 'cross'))
    yield from (part for part in parts if part is not None)


def _blocks(model: BaseClassifier) -> Iterator[nn.Module]:
    kinds = IRStem, IRBlock, EncoderBlock, CSALevels
    yield from (module for module in model.modules() if isinstance(module, kinds))
