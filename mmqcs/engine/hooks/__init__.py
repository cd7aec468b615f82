"""Hooks."""

from .check_weights_hook import CheckWeightsHook
from .checkpoint_hook import CheckpointHook
from .finite_hook import FiniteHook, NotFiniteError
from .fuse_conv_bn_hook import FuseConvBNHook
from .precise_bn_hook import PreciseBNHook
from .report_hook import ReportHook
from .resume_hook import ResumeHook
from .runtime_info_hook import RuntimeInfoHook
from .sam_hook import SAMHook
from .setup_check_hook import SetupCheckHook

__all__ = [
    'CheckWeightsHook',
    'CheckpointHook',
    'FiniteHook',
    'FuseConvBNHook',
    'NotFiniteError',
    'PreciseBNHook',
    'ReportHook',
    'ResumeHook',
    'RuntimeInfoHook',
    'SAMHook',
    'SetupCheckHook',
]
