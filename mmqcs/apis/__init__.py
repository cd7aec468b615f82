"""Inference: from images and videos to faces and their expressions."""

from mmqcs import openmmlab  # noqa: F401
from mmqcs.media.files import ImageError

from .face_classifier import FaceClassifier
from .fer_inferencer import FERInferencer
from .results import FaceExpression, ImageResult

__all__ = [
    'FERInferencer',
    'FaceClassifier',
    'FaceExpression',
    'ImageError',
    'ImageResult',
]
