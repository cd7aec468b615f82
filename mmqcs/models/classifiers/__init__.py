"""Classifiers."""

from .distilled_classifier import DistilledClassifier
from .fer_classifier import FERClassifier
from .qcs_classifier import QCSClassifier

__all__ = ['DistilledClassifier', 'FERClassifier', 'QCSClassifier']
