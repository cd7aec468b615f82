"""The train-only half of QCS."""

from typing import NamedTuple

import torch.nn as nn
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.functional import Ring
from mmqcs.registry import MODELS


class CrossOutput(NamedTuple):
    """Outputs of the cross branch for a batch of G·B images.

    Attributes:
        feature: Class token of the cross encoder, (G·B, C).
        logits: Logits of the cross head, (G·B, classes).
        fusion_logits: Logits of the fusion head, (G·B, classes), or None.
    """

    feature: Tensor
    logits: Tensor
    fusion_logits: Tensor | None


@MODELS.register_module()
class CrossBranch(BaseModule):
    """Refines the tokens of a group and classifies them (QCS, Section 3.3).

    The sum of base and refined tokens goes through an encoder and a head of its own.
    By the sum, the gradient of the cross classifier flows into the base network:
    contrastive residual distillation.

    Args:
        attention: Config of the ``mmqcs.CSANeck``.
        encoder: Config of the ``mmqcs.TokenEncoder``. Only its class token is used, so
            ``out_type='cls_token'`` saves time.
        head: Config of the head, such as ``mmqcs.GatedClsHead``, with the loss of the
            cross logits.
        fusion: Config of a head on base and refined tokens, such as
            ``mmqcs.BilinearFusionHead``. None in the published recipes.
        init_cfg: Initialisation config.

    Examples:
        >>> import torch
        >>> cross = CrossBranch(
        ...     attention=dict(type='mmqcs.CSANeck', embed_dims=32),
        ...     encoder=dict(
        ...         type='mmqcs.TokenEncoder',
        ...         num_tokens=147,
        ...         embed_dims=32,
        ...         out_type='cls_token',
        ...     ),
        ...     head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=32),
        ... )
        >>> output = cross(torch.rand(8, 148, 32))  # two quadruplets
        >>> output.feature.shape, output.logits.shape
        (torch.Size([8, 32]), torch.Size([8, 7]))
    """

    def __init__(
        self,
        attention: dict,
        encoder: dict,
        head: dict,
        fusion: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.attention = MODELS.build(attention)
        self.encoder = MODELS.build(encoder)
        self.head = MODELS.build(head)
        self.fusion = MODELS.build(fusion) if fusion else None

    @property
    def ring(self) -> Ring:
        """Edges of the groups that the branch compares."""
        return self.attention.ring

    @property
    def criterion(self) -> nn.Module:
        """Loss of the cross logits."""
        return self.head.loss_module

    @property
    def thetas(self) -> tuple[Tensor, ...]:
        """Balance θ of each level, from the finest; empty if it is not learnt."""
        return tuple(getattr(self.attention, 'thetas', ()))

    def forward(self, tokens: Tensor) -> CrossOutput:
        """Classify base tokens with the class token first, (G·B, 1 + L·N, C)."""
        return self.classify(tokens[:, 1:])

    def classify(self, patches: Tensor) -> CrossOutput:
        """Classify patch tokens in branch-major order, (G·B, L·N, C)."""
        refined = self.attention.refine(patches)
        encoded = self.encoder(patches + refined)
        fusion = self.fusion and self.fusion(patches, refined)
        feature = encoded[:, 0] if encoded.ndim == 3 else encoded
        return CrossOutput(feature, self.head((feature,)), fusion)
