"""SynthFER scenes: several rendered faces in one image, with boxes and labels."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np

from .rng import generator, span
from .synth_fer import SynthFERSettings, face_box, label_of, render

_TRIES = 40
# share of the side of a face image, at each edge, that fades into the background
_FADE = 0.1


@dataclass(frozen=True)
class SceneSettings:
    """Settings that, with a split and an index, determine a scene.

    Each face is rendered at its size in the scene, so ``faces.image_size`` is ignored.
    """

    faces: SynthFERSettings = field(default_factory=SynthFERSettings)
    image_size: int = 192  # side of a scene in pixels
    min_size: int = 64  # of a face image, at least 32; the head takes up two thirds
    max_size: int = 128
    max_faces: int = 4  # per scene; there is at least one

    def __post_init__(self) -> None:
        if self.min_size < 32:
            raise ValueError(f'min_size must be at least 32, got {self.min_size}')
        if not self.min_size <= self.max_size <= self.image_size:
            raise ValueError(
                f'max_size must be from min_size to image_size '
                f'({self.min_size} to {self.image_size}), got {self.max_size}'
            )
        if self.max_faces < 1:
            raise ValueError(f'max_faces must be at least 1, got {self.max_faces}')


class SceneFace(NamedTuple):
    """One face of a scene."""

    number: int  # index in its split
    label: int
    place: tuple[int, int, int]  # (left, top, side) of the face image in pixels
    box: np.ndarray  # (left, top, right, bottom) of the head in pixels, float64


def _apart(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return any(a[i] + a[2] <= b[i] or b[i] + b[2] <= a[i] for i in (0, 1))


def scene_faces(settings: SceneSettings, split: str, index: int) -> list[SceneFace]:
    """Return the faces of a scene without rendering them.

    The face images do not overlap, and no face is in two scenes of a split.
    """
    rng = generator(settings.faces.seed, split, 'scene', index)
    faces: list[SceneFace] = []
    for k in range(1 + int(rng.random() * settings.max_faces)):
        for _ in range(_TRIES):
            side = int(span(rng, settings.min_size, settings.max_size + 1))
            room = settings.image_size - side + 1
            place = (int(rng.random() * room), int(rng.random() * room), side)
            if all(_apart(place, face.place) for face in faces):
                number = index * settings.max_faces + k
                label = label_of(settings.faces, split, number)
                at_size = replace(settings.faces, image_size=side)
                box = face_box(at_size, split, number) + np.tile(place[:2], 2)
                faces.append(SceneFace(number, label, place, box))
                break
    return faces


def render_scene(settings: SceneSettings, split: str, index: int) -> np.ndarray:
    """Render a scene: faces in front of a background of soft and sharp shapes.

    Returns a BGR image, uint8 (image_size, image_size, 3).
    """
    faces = scene_faces(settings, split, index)
    rng = generator(settings.faces.seed, split, 'clutter', index)
    size = settings.image_size
    patches = (40 + 175 * rng.random((5, 5, 3))).astype(np.uint8)
    scene = cv2.resize(patches, (size, size), interpolation=cv2.INTER_LINEAR)
    for _ in range(12):
        centre, colour = rng.random(2) * size, tuple(255 * rng.random(3))
        half = span(rng, 0.02, 0.15) * size
        turns = 2 * np.pi * np.sort(rng.random(3 + int(6 * rng.random())))
        corners = centre + half * np.stack((np.cos(turns), np.sin(turns)), axis=1)
        cv2.fillPoly(scene, [np.round(corners).astype(np.int32)], colour, cv2.LINE_AA)
    for face in faces:
        left, top, side = face.place
        at_size = replace(settings.faces, image_size=side)
        picture = render(at_size, split, face.number, face.label)
        part = scene[top : top + side, left : left + side]
        opaque = _fading(side)
        part[:] = np.round(opaque * picture + (1 - opaque) * part).astype(np.uint8)
    return scene


def _fading(side: int) -> np.ndarray:
    """Return an opacity (side, side, 1) that falls towards the edges."""
    distance = np.minimum(np.arange(side) + 1, side - np.arange(side))
    ramp = np.minimum(distance / (_FADE * side), 1.0)
    return np.minimum.outer(ramp, ramp)[..., None]
