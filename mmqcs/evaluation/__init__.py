"""Metrics."""

from mmqcs import openmmlab  # noqa: F401

from .confusion_matrix import draw_confusion_matrix
from .metrics import FERMetric

__all__ = ['FERMetric', 'draw_confusion_matrix']
