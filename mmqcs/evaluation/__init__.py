"""Metrics."""

from mmqcs import openmmlab  # noqa: F401

from .metrics import FERMetric

__all__ = ['FERMetric']
