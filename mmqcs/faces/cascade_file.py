"""The cascades that come with OpenCV 4."""

from pathlib import Path

import cv2

__all__ = ['has_cascades', 'load_cascade']


def has_cascades() -> bool:
    """Whether this OpenCV has cascades: OpenCV 4 has, OpenCV 5 left them out."""
    folder = Path(cv2.data.haarcascades)
    return hasattr(cv2, 'CascadeClassifier') and any(folder.glob('*.xml'))


def load_cascade(name: str) -> 'cv2.CascadeClassifier':
    """Loads one of them.

    Args:
        name: File name.

    Raises:
        ImportError: This OpenCV has no such cascade.
    """
    path = Path(cv2.data.haarcascades, name)
    if not (has_cascades() and path.is_file()):
        raise ImportError(
            f'OpenCV {cv2.__version__} comes without the cascade {name}: OpenCV 5 left '
            f"cascades out. Install OpenCV 4 (pip install 'opencv-python<5'), or "
            f'choose another way to find faces: YuNet, a detector of MMDetection, or '
            f'none where the pictures are faces already'
        )
    return cv2.CascadeClassifier(str(path))
