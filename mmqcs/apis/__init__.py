"""What programs call: from images to expressions."""

from mmqcs import openmmlab  # noqa: F401

from .two_stage import ExpressiveFace, TwoStageFER

__all__ = ['ExpressiveFace', 'TwoStageFER']
