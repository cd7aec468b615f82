"""Classify faces with an exported model, without torch and OpenMMLab.

Imports only numpy, OpenCV, Pillow and onnxruntime.
"""

from .description import ModelDescription
from .onnx_classifier import OnnxClassifier

__all__ = ['ModelDescription', 'OnnxClassifier']
