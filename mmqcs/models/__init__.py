"""Registered models and their parts."""

from mmqcs import openmmlab  # noqa: F401

from .backbones import IRNet
from .classifiers import DistilledClassifier, FERClassifier, QCSClassifier
from .cross import CrossBranch
from .encoders import TokenEncoder
from .heads import BilinearFusionHead, GatedClsHead
from .losses import (
    EuclideanDistillLoss,
    GroupLoss,
    KLDistillLoss,
    SmoothCrossEntropyLoss,
)
from .necks import CSANeck, TokenPyramidNeck
from .preprocessors import FERDataPreprocessor
from .roi_heads import build_qcs_roi_head
from .weight_init import OptionalPretrained

__all__ = [
    'BilinearFusionHead',
    'CSANeck',
    'CrossBranch',
    'DistilledClassifier',
    'EuclideanDistillLoss',
    'FERClassifier',
    'FERDataPreprocessor',
    'GatedClsHead',
    'GroupLoss',
    'IRNet',
    'KLDistillLoss',
    'OptionalPretrained',
    'QCSClassifier',
    'SmoothCrossEntropyLoss',
    'TokenEncoder',
    'TokenPyramidNeck',
    'build_qcs_roi_head',
]
