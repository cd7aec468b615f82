"""Image transforms."""

from .crop_face import CropFace, with_face_crop
from .jitter_color import JitterColor
from .sample_face import SampleFace
from .warp_face import WarpFace

__all__ = ['CropFace', 'JitterColor', 'SampleFace', 'WarpFace', 'with_face_crop']
