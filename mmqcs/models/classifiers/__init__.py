"""Classifiers."""

from .distilled_classifier import DistilledClassifier
from .qcs_classifier import QCSClassifier

__all__ = ['DistilledClassifier', 'QCSClassifier']
