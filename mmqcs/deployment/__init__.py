"""Classifying faces by an exported model, without torch and OpenMMLab.

Nothing here imports more than numpy, OpenCV and onnxruntime.
"""

from .description import ModelDescription
from .onnx_classifier import OnnxClassifier

__all__ = ['ModelDescription', 'OnnxClassifier']
