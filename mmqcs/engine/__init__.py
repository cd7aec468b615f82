"""Optimisation: SAM and mixed precision."""

from mmqcs import openmmlab  # noqa: F401

from .hooks import (
    CheckWeightsHook,
    FuseConvBNHook,
    PreciseBNHook,
    ReportHook,
    ResumeHook,
    SAMHook,
)
from .log_processor import QuietLogProcessor
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'CheckWeightsHook',
    'FuseConvBNHook',
    'PreciseBNHook',
    'QuietLogProcessor',
    'ReportHook',
    'ResumeHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
]
