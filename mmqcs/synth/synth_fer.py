"""SynthFER: settings, labels, and images by index."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmqcs.expressions import RAF_DB

from .action_units import sample_intensities
from .face import Face, pose_face
from .features import paint_brows, paint_eyes, paint_glasses, paint_mouth, paint_nose
from .geometry import INDEX, Projector
from .hair import paint_back_hair, paint_front_hair
from .identity import Identity, sample_identity
from .nuisance import (
    Nuisance,
    background,
    degrade,
    light,
    occlude,
    sample_nuisance,
)
from .rng import generator
from .skin import paint_neck, paint_skin

CLASSES = (*RAF_DB, 'Contempt')
"""Class names in the order of RAF-DB, with contempt last."""

RENDERER_VERSION = 1
"""Increased whenever the same settings give different images."""

# images per class in the training split of RAF-DB (basic)
_RAF_DB_COUNTS = (1290, 281, 717, 4772, 1982, 705, 2524)

_IMBALANCED_BLOCK = 64
_SUPERSAMPLING = 2

# landmarks of the head
_OUTLINE = ('jaw', 'chin_mid', 'skull')


@dataclass(frozen=True)
class SynthFERSettings:
    """Settings that, with a split and an index, determine an image.

    Args:
        seed: Random seed, at least 0.
        image_size: Side of the images in pixels, at least 32.
        difficulty: From 0 (strong expressions, even light) to 1 (weak expressions
            mixed with units of other emotions, poor images).
        num_classes: 7, or 8 with contempt.
        imbalanced: Whether the classes are as frequent as in RAF-DB, which has no
            contempt, instead of equally frequent.

    Raises:
        ValueError: A setting is out of range.
    """

    seed: int = 0
    image_size: int = 100
    difficulty: float = 0.5
    num_classes: int = 7
    imbalanced: bool = False

    def __post_init__(self) -> None:
        for name, least in (('seed', 0), ('image_size', 32)):
            value = getattr(self, name)
            if not _is_int(value) or value < least:
                raise ValueError(f'{name} must be an integer >= {least}, got {value!r}')
        if not 0 <= self.difficulty <= 1:
            raise ValueError(
                f'difficulty must be from 0 (easy) to 1 (hard), got {self.difficulty!r}'
            )
        if self.num_classes not in (7, 8):
            raise ValueError(
                f'num_classes must be 7, or 8 to add contempt, got {self.num_classes!r}'
            )
        if self.imbalanced and self.num_classes == 8:
            raise ValueError(
                'imbalanced follows the frequencies of RAF-DB, which has no '
                'contempt: use num_classes=7'
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by label."""
        return CLASSES[: self.num_classes]


def _is_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def labels(
    settings: SynthFERSettings, split: str, count: int, start: int = 0
) -> np.ndarray:
    """Return the labels of consecutive images, int64 (count,), without rendering them.

    Images are divided into blocks, in which the classes are spread evenly in random
    order. Therefore each prefix nearly has the desired class frequencies.

    Args:
        settings: Settings of the dataset.
        split: 'train' or 'test'.
        count: Number of images.
        start: Index of the first image.
    """
    if count < 0 or start < 0:
        raise ValueError(f'count and start must be >= 0, got {count} and {start}')
    if settings.imbalanced:
        block, weights = _IMBALANCED_BLOCK, np.array(_RAF_DB_COUNTS)
    else:
        block, weights = settings.num_classes, np.ones(settings.num_classes)
    first, last = start // block, -(-(start + count) // block)
    rng = generator(settings.seed, split, 'label')
    # two doubles per image: its rank in the block, and its place in the rank
    rng.bit_generator.advance(2 * block * first)  # type: ignore[attr-defined]
    draws = rng.random((last - first, 2, block))
    ranks = draws[:, 0].argsort(axis=1, kind='stable').argsort(axis=1, kind='stable')
    places = (ranks + draws[:, 1]) / block * weights.sum()
    found = np.searchsorted(weights.cumsum(), places.ravel(), side='right')
    offset = start - first * block
    return found[offset : offset + count].astype(np.int64)


def label_of(settings: SynthFERSettings, split: str, index: int) -> int:
    """Return the label of one image, the same as in :func:`labels`."""
    return int(labels(settings, split, 1, index)[0])


def render(
    settings: SynthFERSettings,
    split: str,
    index: int,
    label: int | None = None,
    person: int | None = None,
) -> np.ndarray:
    """Render an image, which the arguments determine.

    Args:
        settings: Settings of the dataset.
        split: 'train' or 'test'; no person is in both.
        index: Index of the image, at least 0.
        label: Class of the expression that the same person shows under the same
            conditions. Defaults to the label of the image.
        person: Index of the image whose person is shown. Defaults to the image's own,
            so that no two images show the same person.

    Returns:
        BGR image, uint8 (image_size, image_size, 3).

    Raises:
        ValueError: The split or the label is unknown, or an index is negative.
    """
    sample = _sample(settings, split, index, label, person)
    return render_face(*sample, settings.image_size)


def face_box(
    settings: SynthFERSettings, split: str, index: int, label: int | None = None
) -> np.ndarray:
    """Return the box around the head, from skull to chin, without rendering it.

    (left, top, right, bottom) in pixels, float64 (4,), within the image. Arguments and
    errors are those of :func:`render`.
    """
    face = place_face(*_sample(settings, split, index, label), settings.image_size)
    rows = [row for name, row in INDEX.items() if name.startswith(_OUTLINE)]
    outline = face.pixels[:, rows].reshape(-1, 2)
    box = np.concatenate((outline.min(axis=0), outline.max(axis=0)))
    return box.clip(0, settings.image_size)


def _sample(
    settings: SynthFERSettings,
    split: str,
    index: int,
    label: int | None,
    person: int | None = None,
) -> tuple[Identity, np.ndarray, Nuisance]:
    """Sample the person, the intensities and the conditions of an image."""
    identity = generator(
        settings.seed, split, 'identity', index if person is None else person
    )
    expression, nuisance = (
        generator(settings.seed, split, name, index)
        for name in ('expression', 'nuisance')
    )
    if label is None:
        label = label_of(settings, split, index)
    elif not 0 <= label < settings.num_classes:
        raise ValueError(
            f'label must be from 0 to {settings.num_classes - 1}, got {label}'
        )
    return (
        sample_identity(identity),
        sample_intensities(expression, CLASSES[label], settings.difficulty),
        sample_nuisance(nuisance, settings.difficulty, settings.image_size),
    )


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
