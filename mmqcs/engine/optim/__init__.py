"""Optimiser wrappers."""

from .autocast_optim_wrapper import AutocastOptimWrapper
from .data_parallel import check_data_parallel
from .sam_optim_wrapper import SAMAmpOptimWrapper, SAMMixin, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'SAMAmpOptimWrapper',
    'SAMMixin',
    'SAMOptimWrapper',
    'check_data_parallel',
]
