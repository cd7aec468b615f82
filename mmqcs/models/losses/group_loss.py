"""The loss of a batch of groups."""

import inspect
from typing import Any

import torch.nn as nn
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.functional import agreement_weights
from mmqcs.models.cross.cross_branch import CrossOutput
from mmqcs.registry import MODELS


@MODELS.register_module()
class GroupLoss(BaseModule):
    """Mean of the base and cross cross-entropies, and optional distillation.

    With equal weights this is the mean over all heads and images: eight terms for QCS,
    four for DCS (QCS, Section 3.4). Residual distillation needs no term: it is the sum
    of base and refined tokens in the cross branch.

    Args:
        base_weight: Weight of the base term in the weighted mean.
        cross_weight: Weight of the cross term.
        logit_distill: Config of a loss of base logits (student) and cross logits
            (teacher), such as ``mmqcs.KLDistillLoss``; added with its ``loss_weight``.
        feature_distill: Config of a loss of the base and the cross class token, such
            as ``mmqcs.EuclideanDistillLoss``.
        fusion_weight: Weight of the fusion head's cross-entropy, which is added if the
            cross branch has such a head.
        agreement_power: Strength of a remedy for wrong labels; 0 switches it off. In
            the mean over the images, those whose label both heads contradict in the
            same way count less: w = (1 - r)^power divided by its mean over the batch,
            with r = max over the other classes k of min(p_base(k), p_cross(k)). No
            gradient flows through w. See :func:`.agreement_weights`.

    Raises:
        ValueError: A weight is negative, or base and cross are both zero.
        TypeError: In training with ``agreement_power``, if the loss of a head does not
            take a weight per image.

    Examples:
        >>> import torch
        >>> from mmpretrain.models.losses import CrossEntropyLoss
        >>> from mmqcs.models.cross.cross_branch import CrossOutput
        >>> logits, target = torch.zeros(8, 7), torch.tensor([0, 1, 0, 1, 2, 3, 2, 3])
        >>> feature = torch.zeros(8, 32)
        >>> criterion = CrossEntropyLoss()
        >>> losses = GroupLoss(logit_distill=dict(type='mmqcs.KLDistillLoss'))(
        ...     feature,
        ...     logits,
        ...     CrossOutput(feature, logits, None),
        ...     target,
        ...     criterion,
        ...     criterion,
        ... )
        >>> {name: round(float(loss), 3) for name, loss in losses.items()}
        {'loss_base': 0.973, 'loss_cross': 0.973, 'loss_logit_distill': 0.0}
    """

    def __init__(
        self,
        base_weight: float = 1.0,
        cross_weight: float = 1.0,
        logit_distill: dict | None = None,
        feature_distill: dict | None = None,
        fusion_weight: float = 1.0,
        agreement_power: float = 0.0,
    ) -> None:
        super().__init__()
        weights = (base_weight, cross_weight, fusion_weight, agreement_power)
        if min(weights) < 0 or base_weight + cross_weight == 0:
            raise ValueError(
                f'weights must be ≥ 0 and those of base and cross not both 0: {weights}'
            )
        total = base_weight + cross_weight
        self.base_weight = base_weight / total
        self.cross_weight = cross_weight / total
        self.fusion_weight = fusion_weight
        self.agreement_power = agreement_power
        self.logit_distill = MODELS.build(logit_distill) if logit_distill else None
        self.feature_distill = (
            MODELS.build(feature_distill) if feature_distill else None
        )

    def forward(
        self,
        base_feature: Tensor,
        base_logits: Tensor,
        cross: CrossOutput,
        target: Tensor,
        base_criterion: nn.Module,
        cross_criterion: nn.Module,
    ) -> dict[str, Tensor]:
        """Compute the losses, whose sum is the loss of the batch.

        Args:
            base_feature: Class token of the base encoder, (M, C).
            base_logits: (M, classes).
            cross: Output of the cross branch for the same M images.
            target: Labels (M,) or distributions (M, classes).
            base_criterion: Loss of base logits and targets. As in MMPretrain's heads,
                it gets ``avg_factor``, the number of images to average over.
            cross_criterion: Loss of cross and fusion logits and targets, likewise.

        Returns:
            Weighted ``loss_base`` and ``loss_cross``, and those of
            ``loss_logit_distill``, ``loss_feature_distill`` and ``loss_fusion`` that
            are switched on.
        """
        # Without it, losses with a term per class would average over the classes too.
        options: dict[str, Any] = {'avg_factor': len(base_logits)}
        if self.agreement_power:
            check_takes_weights(base_criterion, cross_criterion)
            options['weight'] = agreement_weights(
                base_logits, cross.logits, target, self.agreement_power
            )
        base = base_criterion(base_logits, target, **options)
        refined = cross_criterion(cross.logits, target, **options)
        losses = {
            'loss_base': self.base_weight * base,
            'loss_cross': self.cross_weight * refined,
        }
        if self.logit_distill is not None:
            losses['loss_logit_distill'] = self.logit_distill(base_logits, cross.logits)
        if self.feature_distill is not None:
            losses['loss_feature_distill'] = self.feature_distill(
                base_feature, cross.feature
            )
        if cross.fusion_logits is not None:
            losses['loss_fusion'] = self.fusion_weight * cross_criterion(
                cross.fusion_logits, target, **options
            )
        return losses


def check_takes_weights(*criteria: nn.Module) -> None:
    """Raise a TypeError for a loss that does not take a weight per image."""
    for criterion in criteria:
        if 'weight' not in inspect.signature(criterion.forward).parameters:
            raise TypeError(
                f'agreement_power needs losses that take a weight per image, but '
                f'{type(criterion).__name__} does not. Use CrossEntropyLoss or '
                f'mmqcs.SmoothCrossEntropyLoss in head.loss and cross.head.loss'
            )
