"""Distillation losses as modules, usable in any model."""

import torch.nn as nn
from torch import Tensor

from mmqcs.functional import euclidean_loss, kl_distillation_loss
from mmqcs.registry import MODELS


@MODELS.register_module()
class KLDistillLoss(nn.Module):
    """KL divergence of softened predictions, times T². The teacher gets no gradient.

    Args:
        temperature: T > 0.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: The temperature is not positive.

    Examples:
        >>> import torch
        >>> loss = KLDistillLoss(temperature=4)
        >>> float(loss(torch.zeros(2, 7), torch.zeros(2, 7)))
        0.0
    """

    def __init__(self, temperature: float = 4.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be > 0, got {temperature}')
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Compute the scalar loss of two sets of logits, (B, K) each."""
        loss = kl_distillation_loss(student, teacher.detach(), self.temperature)
        return self.loss_weight * loss


@MODELS.register_module()
class EuclideanDistillLoss(nn.Module):
    """Euclidean distance of two batches of features, divided by the batch size.

    The teacher gets no gradient.

    Args:
        loss_weight: Factor of the loss.

    Examples:
        >>> import torch
        >>> loss = EuclideanDistillLoss()
        >>> float(loss(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])))
        5.0
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Compute the scalar loss of features of the same shape, (B, ...)."""
        return self.loss_weight * euclidean_loss(student, teacher.detach())
