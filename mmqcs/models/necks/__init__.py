"""Necks."""

from .csa_neck import CSANeck
from .token_pyramid_neck import TokenPyramidNeck

__all__ = ['CSANeck', 'TokenPyramidNeck']
