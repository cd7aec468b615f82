"""Optimiser wrappers."""

from .autocast_optim_wrapper import AutocastOptimWrapper
from .sam_optim_wrapper import SAMAmpOptimWrapper, SAMMixin, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'SAMAmpOptimWrapper',
    'SAMMixin',
    'SAMOptimWrapper',
]
