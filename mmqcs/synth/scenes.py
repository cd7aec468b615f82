"""SynthFER scenes: several drawn faces in one picture, with boxes and labels."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np

from .rng import generator, span
from .synth_fer import SynthFERSettings, check_split, face_box, label_of, render

__all__ = ['SceneFace', 'SceneSettings', 'draw_scene', 'scene_faces']

_TRIES = 40
# part of a face's picture, at each edge, that fades into the background
_FADE = 0.1


@dataclass(frozen=True)
class SceneSettings:
    """Settings of the scenes; with a split and a number they fix a scene.

    Args:
        faces: Settings of the faces. Their ``image_size`` is not used: each face
            is drawn at its size in the scene.
        image_size: Side of a scene in pixels.
        min_size: Side of the smallest picture of a face in pixels, at least 32; the
            head takes about two thirds of it.
        max_size: Side of the largest, at most ``image_size``.
        max_faces: Faces of a scene, at most. There is at least one.

    Raises:
        ValueError: A setting is out of its range.
    """

    faces: SynthFERSettings = field(default_factory=SynthFERSettings)
    image_size: int = 192
    min_size: int = 64
    max_size: int = 128
    max_faces: int = 4

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
    """One face of a scene.

    Attributes:
        number: Its number among the faces of the split.
        label: Its expression.
        place: (left, top, side) of its picture in the scene, pixels.
        box: (left, top, right, bottom) of the head in the scene, float64 pixels.
    """

    number: int
    label: int
    place: tuple[int, int, int]
    box: np.ndarray


def _apart(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    """Whether two squares (left, top, side) have no pixel in common."""
    return any(
        a[i] + a[2] <= b[i] or b[i] + b[2] <= a[i]
        for i in (0, 1)  # beside or above each other
    )


def scene_faces(settings: SceneSettings, split: str, index: int) -> list[SceneFace]:
    """The faces of one scene, without drawing them.

    Their pictures do not overlap. No face of a split is in two scenes.

    Args:
        settings: Settings of the scenes.
        split: 'train' or 'test'; they share no identity.
        index: Number of the scene, at least 0.

    Returns:
        One to ``max_faces`` faces.

    Raises:
        ValueError: The split is unknown or the index negative.
    """
    check_split(split)
    if index < 0:
        raise ValueError(f'index must be >= 0, got {index}')
    rng = generator(settings.faces.seed, split, 'scene', index)
    faces: list[SceneFace] = []
    for k in range(1 + int(rng.random() * settings.max_faces)):
        for _ in range(_TRIES):
            side = int(span(rng, settings.min_size, settings.max_size + 1))
            left, top = (
                int(x * (settings.image_size - side + 1)) for x in rng.random(2)
            )
            place = (left, top, side)
            if all(_apart(place, face.place) for face in faces):
                number = index * settings.max_faces + k
                label = label_of(settings.faces, split, number)
                at_size = replace(settings.faces, image_size=side)
                box = face_box(at_size, split, number) + np.tile(place[:2], 2)
                faces.append(SceneFace(number, label, place, box))
                break
    return faces


def draw_scene(settings: SceneSettings, split: str, index: int) -> np.ndarray:
    """Draws one scene: its faces before a background of soft and sharp shapes.

    Args:
        settings, split, index: As in :func:`scene_faces`.

    Returns:
        BGR picture, uint8 (image_size, image_size, 3).
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
    """Opacity of a picture that fades towards its edges, (side, side, 1)."""
    distance = np.minimum(np.arange(side) + 1, side - np.arange(side))
    ramp = np.minimum(distance / (_FADE * side), 1.0)
    return np.minimum.outer(ramp, ramp)[..., None]
