"""Registered models and their parts."""

from mmqcs import openmmlab  # noqa: F401

from .backbones.ir_net import IRNet
from .backbones.lora_backbone import LoRABackbone
from .classifiers.distilled_classifier import DistilledClassifier
from .classifiers.fer_classifier import FERClassifier
from .classifiers.qcs_classifier import QCSClassifier
from .cross.cross_branch import CrossBranch
from .encoders.token_encoder import TokenEncoder
from .heads.bilinear_fusion_head import BilinearFusionHead
from .heads.gated_cls_head import GatedClsHead
from .losses.distill_losses import EuclideanDistillLoss, KLDistillLoss
from .losses.group_loss import GroupLoss
from .losses.logit_adjusted_loss import LogitAdjustedLoss
from .losses.smooth_cross_entropy_loss import SmoothCrossEntropyLoss
from .necks.csa_neck import CSANeck
from .necks.token_pyramid_neck import TokenPyramidNeck
from .preprocessors.fer_data_preprocessor import FERDataPreprocessor
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
    'LoRABackbone',
    'LogitAdjustedLoss',
    'OptionalPretrained',
    'QCSClassifier',
    'SmoothCrossEntropyLoss',
    'TokenEncoder',
    'TokenPyramidNeck',
    'build_qcs_roi_head',
]
