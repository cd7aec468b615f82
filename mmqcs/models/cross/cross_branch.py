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

    The refined tokens are added to the base tokens and go through an encoder
    and a head of their own. The sum lets the gradient of the cross classifier
    flow back into the base network: contrastive residual distillation.

    Args:
        attention: Config of the ``mmqcs.CSANeck``.
        encoder: Config of the ``mmqcs.TokenEncoder``. Only its class token is used,
            so ``out_type='cls_token'`` saves time.
        head: Config of the head, such as ``mmqcs.GatedClsHead``; its ``loss`` is
            applied to the cross logits.
        fusion: Config of a head on base and refined tokens, such as
            ``mmqcs.BilinearFusionHead``. None for the published recipes.
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
        self.fusion = None if fusion is None else MODELS.build(fusion)

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
        """Balance θ of each level, from the finest; empty if nothing is learnt."""
        return tuple(getattr(self.attention, 'thetas', ()))

    def forward(self, tokens: Tensor) -> CrossOutput:
        """Runs the cross branch.

        Args:
            tokens: Base tokens with the class token first, in branch-major order,
                (G·B, 1 + L·N, C).

        Returns:
            Feature and logits of each image.
        """
        return self.classify(tokens[:, 1:])

    def classify(self, patches: Tensor) -> CrossOutput:
        """Runs the cross branch on tokens without a class token.

        Args:
            patches: Patch tokens in branch-major order, (G·B, L·N, C).

        Returns:
            The same as :meth:`forward`.
        """
        refined = self.attention.refine(patches)
        encoded = self.encoder(patches + refined)
        fusion = None if self.fusion is None else self.fusion(patches, refined)
        feature = encoded[:, 0] if encoded.ndim == 3 else encoded
        return CrossOutput(feature, self.head((feature,)), fusion)
