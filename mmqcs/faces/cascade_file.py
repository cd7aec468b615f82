"""The cascade files of OpenCV 4."""

from pathlib import Path

import cv2

__all__ = ['has_cascades', 'load_cascade']


def has_cascades() -> bool:
    """Return whether OpenCV has cascades: OpenCV 4 does, OpenCV 5 does not."""
    folder = Path(cv2.data.haarcascades)
    return hasattr(cv2, 'CascadeClassifier') and any(folder.glob('*.xml'))


def load_cascade(name: str) -> 'cv2.CascadeClassifier':
    """Load a cascade.

    Args:
        name: File name.

    Raises:
        ImportError: OpenCV does not have this cascade.
    """
    path = Path(cv2.data.haarcascades, name)
    if not (has_cascades() and path.is_file()):
        raise ImportError(
            f'OpenCV {cv2.__version__} does not contain the cascade {name}; OpenCV 5 '
            f"has no cascades. Install OpenCV 4 (pip install 'opencv-python<5'), or "
            f'choose another face detector: YuNet, a detector of MMDetection, or none '
            f'for images that are cropped faces'
        )
    return cv2.CascadeClassifier(str(path))
