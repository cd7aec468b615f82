"""Metrics."""

from mmqcs import openmmlab  # noqa: F401

from .metrics.fer_metric import FERMetric

__all__ = ['FERMetric']
