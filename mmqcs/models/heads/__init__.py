"""Heads."""

from .bilinear_fusion_head import BilinearFusionHead
from .gated_cls_head import GatedClsHead

__all__ = ['BilinearFusionHead', 'GatedClsHead']
