"""Checks of whole datasets: unreadable images, and copies across splits."""

from .images import CheckedImage, check_images, count_problems, split_overlap

__all__ = ['CheckedImage', 'check_images', 'count_problems', 'split_overlap']
