"""Optimisation: SAM and mixed precision."""

from .hooks import FuseConvBNHook, PreciseBNHook, ResumeHook, SAMHook
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'FuseConvBNHook',
    'PreciseBNHook',
    'ResumeHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
]
