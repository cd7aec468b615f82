"""Optimisation: SAM and mixed precision."""

from .hooks import SAMHook
from .optim import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper

__all__ = ['AutocastOptimWrapper', 'SAMAmpOptimWrapper', 'SAMHook', 'SAMOptimWrapper']
