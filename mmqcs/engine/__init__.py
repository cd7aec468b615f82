"""Optimisation: SAM and mixed precision."""

from .hooks import FuseConvBNHook, SAMHook
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'FuseConvBNHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
]
