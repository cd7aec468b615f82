"""Cross-entropy for classes of very different frequency."""

from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from mmqcs.functional import logit_adjusted_cross_entropy
from mmqcs.registry import MODELS


@MODELS.register_module()
class LogitAdjustedLoss(nn.Module):
    """Cross-entropy with logits adjusted by class frequency (Menon et al., ICLR 2021).

    In training, the logit of each class is raised by ``tau · log(frequency)``, so that
    the network itself learns scores for equally frequent classes. Predictions are not
    adjusted.

    The frequencies are those of the images that the loss has seen, including the
    current batch. They cannot be taken from the dataset, because samplers of groups
    change them: negatives are drawn from other classes than their anchors. Each class
    starts with a count of 1. The counts are part of checkpoints. Each process of a
    distributed run counts its own images.

    Args:
        num_classes: Number of classes K.
        tau: Strength of the adjustment; 0 is plain cross-entropy, 1 minimises the
            balanced error.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: ``tau`` is negative, there are fewer than two classes, or the logits
            have another number of classes.

    Examples:
        >>> import torch
        >>> loss = LogitAdjustedLoss(num_classes=2)
        >>> logits, target = torch.zeros(3, 2), torch.tensor([0, 0, 1])
        >>> round(float(loss(logits, target)), 3)
        0.646
        >>> loss.counts
        tensor([3., 2.])
    """

    def __init__(
        self, num_classes: int, tau: float = 1.0, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.counts: Tensor
        if num_classes < 2 or tau < 0:
            raise ValueError(
                f'num_classes must be ≥ 2 and tau ≥ 0, got {num_classes} and {tau}'
            )
        self.tau = tau
        self.loss_weight = loss_weight
        self.register_buffer('counts', torch.ones(num_classes))

    def forward(self, logits: Tensor, target: Tensor, **_: Any) -> Tensor:
        """Compute the mean for logits (B, K) and labels (B,) or distributions (B, K).

        Further arguments, which heads of MMPretrain pass for averaging, are ignored.
        """
        if logits.shape[-1] != len(self.counts):
            raise ValueError(
                f'LogitAdjustedLoss has num_classes={len(self.counts)}, but the head '
                f'has {logits.shape[-1]} classes. Set num_classes of the loss'
            )
        if self.training:
            self._count(target)
        return self.loss_weight * logit_adjusted_cross_entropy(
            logits, target, self.counts, self.tau
        )

    @torch.no_grad()
    def _count(self, target: Tensor) -> None:
        if target.ndim == 1:
            # no bincount or one_hot, which wait for a GPU
            self.counts.index_add_(0, target, self.counts.new_ones(len(target)))
        else:
            self.counts += target.sum(dim=0)
