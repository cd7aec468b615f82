"""Checks of whole datasets: unreadable images, and copies across splits."""

from .images import CheckedImage, check_images, count_problems, split_overlap
from .near_duplicates import find_copies, thumbnail

__all__ = [
    'CheckedImage',
    'check_images',
    'count_problems',
    'find_copies',
    'split_overlap',
    'thumbnail',
]
