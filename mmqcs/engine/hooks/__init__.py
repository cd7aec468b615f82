"""Hooks."""

from .check_weights_hook import CheckWeightsHook
from .fuse_conv_bn_hook import FuseConvBNHook
from .precise_bn_hook import PreciseBNHook
from .report_hook import ReportHook
from .resume_hook import ResumeHook
from .sam_hook import SAMHook

__all__ = [
    'CheckWeightsHook',
    'FuseConvBNHook',
    'PreciseBNHook',
    'ReportHook',
    'ResumeHook',
    'SAMHook',
]
