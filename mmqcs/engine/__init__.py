"""Optimisation: SAM and mixed precision."""

from mmqcs import openmmlab  # noqa: F401

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
