"""``torch.compile`` for the parts of a network."""

from collections.abc import Iterator

import torch._dynamo
import torch.nn as nn
from mmpretrain.models.classifiers import BaseClassifier

from mmqcs.models.backbones.ir_net import IRBlock
from mmqcs.models.encoders.token_encoder import EncoderBlock
from mmqcs.models.necks.csa_neck import CSALevels

# A class of parts is compiled once for each shape: the stages, training and
# evaluation, and the last batch. PyTorch gives up after 8 by default.
_SHAPES = 64


def compile_blocks(model: BaseClassifier) -> None:
    """Compiles the parts of a classifier on first use, in place.

    The many blocks of a backbone are compiled one by one, because blocks of one kind
    share their compiled code, which keeps the start short. Neck, head and cross branch
    are compiled as a whole, and so is a backbone of another package. A part that cannot
    be compiled runs uncompiled, with a warning. Parameters, names and checkpoints stay
    as they are.

    Args:
        model: A classifier with a ``backbone``.
    """
    config = torch._dynamo.config
    config.suppress_errors = True
    config.recompile_limit = max(_SHAPES, config.recompile_limit)
    for part in _parts(model):
        part.compile(dynamic=False)


def _parts(model: BaseClassifier) -> Iterator[nn.Module]:
    blocks = [m for m in model.modules() if isinstance(m, IRBlock)]
    yield from [model.backbone.stem, *blocks] if blocks else [model.backbone]
    if any(getattr(module, 'with_cp', False) for module in model.modules()):
        # Parts whose activations are recomputed must be compiled on their own.
        inner = EncoderBlock, CSALevels
        yield from (m for m in model.modules() if isinstance(m, inner))
    else:
        parts = (getattr(model, name, None) for name in ('neck', 'head', 'cross'))
        yield from (part for part in parts if part is not None)
