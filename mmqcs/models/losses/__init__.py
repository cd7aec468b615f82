"""Losses."""

from .distill_losses import EuclideanDistillLoss, KLDistillLoss
from .group_loss import GroupLoss

__all__ = ['EuclideanDistillLoss', 'GroupLoss', 'KLDistillLoss']
