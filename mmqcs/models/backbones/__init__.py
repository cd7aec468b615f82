"""Backbones."""

from .ir_net import IRNet

__all__ = ['IRNet']
