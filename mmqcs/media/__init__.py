"""Reads images, videos and cameras, from files that cannot be trusted."""

from .files import ImageError

__all__ = ['ImageError']
