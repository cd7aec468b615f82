"""Transforms of images."""

from .crop_face import CropFace
from .jitter_color import JitterColor
from .load_image import LoadImage
from .sample_face import SampleFace
from .warp_face import WarpFace

__all__ = ['CropFace', 'JitterColor', 'LoadImage', 'SampleFace', 'WarpFace']
