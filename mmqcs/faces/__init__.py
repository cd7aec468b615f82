"""Face detection and alignment, with only numpy and OpenCV."""

from .alignment import ARCFACE, align_face, cut_face, fit_similarity
from .cascade_detector import CascadeDetector
from .face import Face, FaceDetector, WholeImage
from .mmdet_detector import MMDetDetector
from .yunet_detector import YuNetDetector

__all__ = [
    'ARCFACE',
    'CascadeDetector',
    'Face',
    'FaceDetector',
    'MMDetDetector',
    'WholeImage',
    'YuNetDetector',
    'align_face',
    'cut_face',
    'fit_similarity',
]
