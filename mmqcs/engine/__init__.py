"""Training: optimiser wrappers, hooks and the log processor."""

from mmqcs import openmmlab  # noqa: F401

from .hooks.check_weights_hook import CheckWeightsHook
from .hooks.checkpoint_hook import CheckpointHook
from .hooks.compile_hook import CompileHook
from .hooks.confusion_hook import ConfusionHook
from .hooks.finite_hook import FiniteHook, NotFiniteError
from .hooks.fuse_conv_bn_hook import FuseConvBNHook
from .hooks.precise_bn_hook import PreciseBNHook
from .hooks.report_hook import ReportHook
from .hooks.resume_hook import ResumeHook
from .hooks.runtime_info_hook import RuntimeInfoHook
from .hooks.sam_hook import SAMHook
from .hooks.setup_check_hook import SetupCheckHook
from .log_processor import QuietLogProcessor
from .optim.autocast_optim_wrapper import AutocastOptimWrapper
from .optim.sam_optim_wrapper import SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = [
    'AutocastOptimWrapper',
    'CheckWeightsHook',
    'CheckpointHook',
    'CompileHook',
    'ConfusionHook',
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
