"""Cross-entropy with smoothed labels."""

from typing import Any

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from mmqcs.registry import MODELS


@MODELS.register_module()
class SmoothCrossEntropyLoss(nn.CrossEntropyLoss):
    """PyTorch's cross-entropy with label smoothing (Szegedy et al., CVPR 2016).

    Equal to MMPretrain's ``LabelSmoothLoss`` in mode ``'original'``, which waits for
    the GPU to check the labels and so cannot be part of a CUDA graph.

    Args:
        smoothing: Probability ε that is distributed over all classes.
        loss_weight: Factor of the loss.

    Examples:
        >>> import torch
        >>> loss = SmoothCrossEntropyLoss(smoothing=0.1)
        >>> round(float(loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))), 4)
        0.2269
    """

    def __init__(self, smoothing: float = 0.1, loss_weight: float = 1.0) -> None:
        super().__init__(label_smoothing=smoothing)
        self.loss_weight = loss_weight

    def forward(
        self, input: Tensor, target: Tensor, weight: Tensor | None = None, **_: Any
    ) -> Tensor:
        """Compute the mean for logits (B, K) and labels (B,) or distributions (B, K).

        With a weight per image (B,), it is the mean of weight times loss. Further
        arguments, which heads of MMPretrain pass for averaging, are ignored.
        """
        if weight is None:
            return self.loss_weight * super().forward(input, target)
        each = F.cross_entropy(
            input, target, reduction='none', label_smoothing=self.label_smoothing
        )
        return self.loss_weight * (weight * each).mean()
