"""Inference: from images and videos to faces and their expressions."""

from mmqcs import openmmlab  # noqa: F401

from .face_classifier import FaceClassifier
from .fer_inferencer import FERInferencer
from .files import ImageError
from .results import FaceExpression, ImageResult

__all__ = [
    'FERInferencer',
    'FaceClassifier',
    'FaceExpression',
    'ImageError',
    'ImageResult',
]
