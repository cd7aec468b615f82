"""Classifiers."""

from .qcs_classifier import QCSClassifier

__all__ = ['QCSClassifier']
