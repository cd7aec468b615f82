"""Distillation losses as modules, usable in any model."""

import torch.nn as nn
from torch import Tensor

from mmqcs.functional import euclidean_loss, kl_distillation_loss
from mmqcs.registry import MODELS


@MODELS.register_module()
class KLDistillLoss(nn.Module):
    """KL divergence between softened predictions, times T².

    Args:
        temperature: T > 0.
        loss_weight: Factor of the loss.
        detach_teacher: Whether the teacher receives no gradient.

    Raises:
        ValueError: The temperature is not positive.

    Examples:
        >>> import torch
        >>> loss = KLDistillLoss(temperature=4)
        >>> float(loss(torch.zeros(2, 7), torch.zeros(2, 7)))
        0.0
    """

    def __init__(
        self,
        temperature: float = 4.0,
        loss_weight: float = 1.0,
        detach_teacher: bool = True,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature must be > 0, got {temperature}')
        self.temperature = temperature
        self.loss_weight = loss_weight
        self.detach_teacher = detach_teacher

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar loss of two sets of logits, (B, K) each."""
        if self.detach_teacher:
            teacher = teacher.detach()
        loss = kl_distillation_loss(student, teacher, self.temperature)
        return self.loss_weight * loss


@MODELS.register_module()
class EuclideanDistillLoss(nn.Module):
    """Euclidean distance between two batches of features, over the batch size.

    Args:
        loss_weight: Factor of the loss.
        detach_teacher: Whether the teacher receives no gradient.

    Examples:
        >>> import torch
        >>> loss = EuclideanDistillLoss()
        >>> float(loss(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])))
        5.0
    """

    def __init__(self, loss_weight: float = 1.0, detach_teacher: bool = True) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.detach_teacher = detach_teacher

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar loss of two batches of features of one shape, (B, ...)."""
        if self.detach_teacher:
            teacher = teacher.detach()
        return self.loss_weight * euclidean_loss(student, teacher)
