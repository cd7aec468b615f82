"""Optimisation: SAM and mixed precision."""

from .hooks import FuseConvBNHook, PreciseBNHook, SAMHook
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'FuseConvBNHook',
    'PreciseBNHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
]
