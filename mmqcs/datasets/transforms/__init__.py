"""Transforms of images."""

from .crop_face import CropFace

__all__ = ['CropFace']
