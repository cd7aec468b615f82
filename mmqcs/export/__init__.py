"""Writing models as files that run without OpenMMLab."""

from mmqcs import openmmlab  # noqa: F401
