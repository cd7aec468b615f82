"""Image transforms."""

from .crop_face import CropFace
from .jitter_color import JitterColor
from .sample_face import SampleFace

__all__ = ['CropFace', 'JitterColor', 'SampleFace']
