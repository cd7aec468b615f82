"""The weights of a model, without values."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from mmengine.registry import DefaultScope
from torch import Tensor

from mmqcs.registry import MODELS

State = Mapping[str, Tensor]


def model_state(model: Mapping[str, Any]) -> State:
    """Return the state dict of a model or a part of one, by its config.

    The model is built on the meta device, which takes no memory and no time.
    """
    scope = DefaultScope.overwrite_default_scope('mmpretrain')
    with scope, torch.device('meta'):
        return MODELS.build(dict(model)).state_dict()


@cache
def published_state(group: str, num_classes: int) -> State:
    """Return the state dict of the published models with groups of this kind.

    They have IR-50 in three stages, a pyramid of three levels of 7×7 tokens, two
    blocks in the base encoder and one in the cross encoder, and attention per level.
    """
    head = dict(type='mmqcs.GatedClsHead', num_classes=num_classes, in_channels=768)
    encoder = dict(type='mmqcs.TokenEncoder', num_tokens=147)
    return model_state(
        dict(
            type='mmqcs.QCSClassifier',
            backbone=dict(type='mmqcs.IRNet', depth=50),
            neck=dict(
                type='mmqcs.TokenPyramidNeck',
                in_channels=(64, 128, 256),
                strides=(2, 4, 8),
                embed_dims=768,
                encoder=dict(encoder, depth=2),
            ),
            head=head,
            cross=dict(
                type='mmqcs.CrossBranch',
                attention=dict(
                    type='mmqcs.CSANeck', embed_dims=768, num_levels=3, group=group
                ),
                encoder=dict(encoder, depth=1),
                head=head,
            ),
        )
    )
