"""Face detection and alignment.

Everything except :class:`MTCNNDetector` and :class:`MMDetDetector` needs only numpy and
OpenCV, so PyTorch is imported when one of these is used.
"""

from typing import TYPE_CHECKING, Any

from .alignment import ARCFACE, align_face, cut_face, fit_similarity
from .face import Face, FaceDetector, WholeImage
from .mmdet_detector import MMDetDetector
from .yunet_detector import YuNetDetector

if TYPE_CHECKING:
    from .mtcnn_detector import MTCNNDetector

__all__ = [
    'ARCFACE',
    'Face',
    'FaceDetector',
    'MMDetDetector',
    'MTCNNDetector',
    'WholeImage',
    'YuNetDetector',
    'align_face',
    'cut_face',
    'fit_similarity',
]


def __getattr__(name: str) -> Any:
    if name == 'MTCNNDetector':
        from .mtcnn_detector import MTCNNDetector

        return MTCNNDetector
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
