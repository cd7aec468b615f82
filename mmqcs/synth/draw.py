"""Draws one face from its parts."""

import cv2
import numpy as np

from .face import Face, pose_face
from .features import draw_brows, draw_eyes, draw_glasses, draw_mouth, draw_nose
from .geometry import Projector
from .hair import draw_back_hair, draw_front_hair
from .identity import Identity
from .nuisance import Nuisance, background, degrade, light, occlude
from .skin import draw_neck, draw_skin

__all__ = ['draw_face', 'place_face']

_SUPERSAMPLING = 2


def place_face(
    identity: Identity, intensities: np.ndarray, nuisance: Nuisance, size: int
) -> Face:
    """Puts a face on a canvas of a side in pixels, without drawing it."""
    project = Projector(
        size,
        nuisance.scale,
        nuisance.shift,
        nuisance.yaw,
        nuisance.pitch,
        nuisance.roll,
    )
    return pose_face(identity, intensities, project, nuisance.gaze)


def draw_face(
    identity: Identity, intensities: np.ndarray, nuisance: Nuisance, image_size: int
) -> np.ndarray:
    """Draws a face.

    Args:
        identity: Whose face it is.
        intensities: Intensities (2, units) of the action units.
        nuisance: The circumstances, drawn for the same image size.
        image_size: Side of the picture in pixels.

    Returns:
        BGR picture, uint8 (image_size, image_size, 3).
    """
    size = _SUPERSAMPLING * image_size
    face = place_face(identity, intensities, nuisance, size)
    canvas = background(nuisance, size)
    draw_back_hair(canvas, face)
    draw_neck(canvas, face)
    draw_skin(canvas, face, nuisance.side_light)
    draw_nose(canvas, face)
    draw_mouth(canvas, face)
    draw_eyes(canvas, face)
    draw_brows(canvas, face)
    draw_front_hair(canvas, face)
    draw_glasses(canvas, face)
    occlude(canvas, nuisance)
    image = cv2.resize(canvas, (image_size, image_size), interpolation=cv2.INTER_AREA)
    return degrade(light(image, nuisance), nuisance)
