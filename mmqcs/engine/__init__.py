"""Training: optimiser wrappers, hooks and the log processor."""

from mmqcs import openmmlab  # noqa: F401

from .hooks import (
    CheckpointHook,
    CheckWeightsHook,
    FiniteHook,
    FuseConvBNHook,
    NotFiniteError,
    PreciseBNHook,
    ReportHook,
    ResumeHook,
    RuntimeInfoHook,
    SAMHook,
    SetupCheckHook,
)
from .log_processor import QuietLogProcessor
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'CheckWeightsHook',
    'CheckpointHook',
    'FiniteHook',
    'FuseConvBNHook',
    'NotFiniteError',
    'PreciseBNHook',
    'QuietLogProcessor',
    'ReportHook',
    'ResumeHook',
    'RuntimeInfoHook',
    'SAMAmpOptimWrapper',
    'SAMHook',
    'SAMOptimWrapper',
    'SetupCheckHook',
]
