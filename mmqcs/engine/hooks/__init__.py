"""Hooks."""

from .fuse_conv_bn_hook import FuseConvBNHook
from .sam_hook import SAMHook

__all__ = ['FuseConvBNHook', 'SAMHook']
