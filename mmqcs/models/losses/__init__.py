"""Losses."""

from .distill_losses import EuclideanDistillLoss, KLDistillLoss
from .group_loss import GroupLoss
from .smooth_cross_entropy_loss import SmoothCrossEntropyLoss

__all__ = [
    'EuclideanDistillLoss',
    'GroupLoss',
    'KLDistillLoss',
    'SmoothCrossEntropyLoss',
]
