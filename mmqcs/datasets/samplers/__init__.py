"""Samplers of anchors and of groups."""

from .balanced_sampler import BalancedSampler
from .group_batch_sampler import PairBatchSampler, QuadrupletBatchSampler

__all__ = ['BalancedSampler', 'PairBatchSampler', 'QuadrupletBatchSampler']
