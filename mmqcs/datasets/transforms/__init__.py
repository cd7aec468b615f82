"""Image transforms."""

from .crop_face import CropFace
from .jitter_color import JitterColor
from .sample_face import SampleFace
from .warp_face import WarpFace

__all__ = ['CropFace', 'JitterColor', 'SampleFace', 'WarpFace']
