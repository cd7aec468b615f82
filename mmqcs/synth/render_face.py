"""Renders one face from its parts."""

import cv2
import numpy as np

from .face import Face, pose_face
from .features import paint_brows, paint_eyes, paint_glasses, paint_mouth, paint_nose
from .geometry import Projector
from .hair import paint_back_hair, paint_front_hair
from .identity import Identity
from .nuisance import Nuisance, background, degrade, light, occlude
from .skin import paint_neck, paint_skin

_SUPERSAMPLING = 2


def place_face(
    identity: Identity, intensities: np.ndarray, nuisance: Nuisance, size: int
) -> Face:
    """Pose a face on a canvas whose side is ``size`` pixels, without painting it."""
    n = nuisance
    project = Projector(size, n.scale, n.shift, n.yaw, n.pitch, n.roll)
    return pose_face(identity, intensities, project, nuisance.gaze)


def render_face(
    identity: Identity, intensities: np.ndarray, nuisance: Nuisance, image_size: int
) -> np.ndarray:
    """Render a face: BGR, uint8 (image_size, image_size, 3).

    The conditions must be sampled for the same image size.
    """
    size = _SUPERSAMPLING * image_size
    face = place_face(identity, intensities, nuisance, size)
    canvas = background(nuisance, size)
    paint_back_hair(canvas, face)
    paint_neck(canvas, face)
    paint_skin(canvas, face, nuisance.side_light)
    paint_nose(canvas, face)
    paint_mouth(canvas, face)
    paint_eyes(canvas, face)
    paint_brows(canvas, face)
    paint_front_hair(canvas, face)
    paint_glasses(canvas, face)
    occlude(canvas, nuisance)
    image = cv2.resize(canvas, (image_size, image_size), interpolation=cv2.INTER_AREA)
    return degrade(light(image, nuisance), nuisance)
