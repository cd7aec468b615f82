"""Optimisation: SAM and mixed precision."""

from .hooks import FuseConvBNHook, PreciseBNHook, ReportHook, ResumeHook, SAMHook
from .log_processor import QuietLogProcessor
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'FuseConvBNHook',
    'PreciseBNHook',
    'QuietLogProcessor',
    'ReportHook',
    'ResumeHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
]
