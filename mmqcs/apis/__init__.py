"""What programs call: from images to expressions."""

from .two_stage import ExpressiveFace, TwoStageFER

__all__ = ['ExpressiveFace', 'TwoStageFER']
