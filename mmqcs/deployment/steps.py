"""Steps of a test pipeline that shape a face, as data that can be stored and run."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import cv2
import numpy as np
from PIL import Image

_MAX = 8192
"""Largest number of pixels that a step may ask for, so that no file asks for more."""

_METHODS: dict[str, dict[str, int]] = {
    'cv2': {
        'nearest': cv2.INTER_NEAREST,
        'bilinear': cv2.INTER_LINEAR,
        'bicubic': cv2.INTER_CUBIC,
        'area': cv2.INTER_AREA,
        'lanczos': cv2.INTER_LANCZOS4,
    },
    'pillow': {method.name.lower(): method for method in Image.Resampling},
}
"""Interpolations by backend, with the names that mmcv gives them."""


_EDGES = ('short', 'long', 'width', 'height')


@dataclass(frozen=True)
class _Step:
    """Checks the fields of a step, which may come from a file of unknown origin."""

    def __post_init__(self) -> None:
        for field in reversed(fields(self)):  # the backend before its interpolation
            value = getattr(self, field.name)
            if field.type is int:
                fits, wanted = type(value) is int and 0 < value <= _MAX, f'1 to {_MAX}'
            else:
                names = {'edge': _EDGES, 'backend': tuple(_METHODS)}.get(field.name)
                names = names or tuple(_METHODS[vars(self)['backend']])
                fits, wanted = type(value) is str and value in names, str(names)
            if not fits:
                raise ValueError(
                    f'step {type(self).__name__} has {field.name}={value!r:.40}, '
                    f'expected {wanted}'
                )


@dataclass(frozen=True)
class Resize(_Step):
    """Resize to a fixed size, whatever the proportions.

    Args:
        height: In pixels.
        width: In pixels.
        interpolation: Name in mmcv: ``'nearest'``, ``'bilinear'``, ``'bicubic'`` or
            ``'lanczos'``; OpenCV also has ``'area'``, Pillow ``'box'`` and
            ``'hamming'``.
        backend: ``'cv2'`` or ``'pillow'``.
    """

    height: int
    width: int
    interpolation: str = 'bilinear'
    backend: str = 'cv2'

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize an image, (H, W, 3) uint8, to (height, width, 3)."""
        return _resize(self, image, self.height, self.width)


@dataclass(frozen=True)
class ResizeEdge(_Step):
    """Resize one edge to a fixed length and keep the proportions.

    Args:
        length: In pixels.
        edge: ``'short'``, ``'long'``, ``'width'`` or ``'height'``.
        interpolation, backend: See :class:`Resize`.
    """

    length: int
    edge: str = 'short'
    interpolation: str = 'bilinear'
    backend: str = 'cv2'

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize an image, (H, W, 3) uint8."""
        height, width = image.shape[:2]
        also = 'long' if width > height else 'short' if width < height else None
        if self.edge in ('width', also):
            return _resize(self, image, int(self.length * height / width), self.length)
        return _resize(self, image, self.length, int(self.length * width / height))


@dataclass(frozen=True)
class CenterCrop(_Step):
    """Cut out the centre of ``height`` x ``width`` pixels, or less if there is less."""

    height: int
    width: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Crop an array (H, W, ...)."""
        top = max(0, round((image.shape[0] - self.height) / 2))
        left = max(0, round((image.shape[1] - self.width) / 2))
        return image[top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class Subsample(_Step):
    """Take every ``step``-th pixel of both axes, starting with the first."""

    step: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Sample an array, (H, W, ...) → (⌈H / step⌉, ⌈W / step⌉, ...)."""
        return image[:: self.step, :: self.step]


def _resize(
    step: Resize | ResizeEdge, image: np.ndarray, height: int, width: int
) -> np.ndarray:
    method = _METHODS[step.backend][step.interpolation]
    if step.backend == 'pillow':
        resized = Image.fromarray(image).resize((width, height), method)
        return np.asarray(resized)
    return cv2.resize(image, (width, height), interpolation=method)


Step = Resize | ResizeEdge | CenterCrop | Subsample
_KINDS = {kind.__name__: kind for kind in get_args(Step)}


def apply_steps(image: np.ndarray, steps: Iterable[Step]) -> np.ndarray:
    """Run the steps of a test pipeline on an image, (H, W, 3) uint8.

    Returns:
        uint8 pixels as the network takes them, before normalisation.
    """
    for step in steps:
        image = step(image)
    return np.ascontiguousarray(image)


def step_to_dict(step: Step) -> dict[str, Any]:
    """Return a step as JSON can hold it."""
    return {'type': type(step).__name__, **asdict(step)}


def step_from_dict(settings: Mapping[str, Any]) -> Step:
    """Build the step that :func:`step_to_dict` described, or raise a ``ValueError``."""
    settings = dict(settings)
    name = settings.pop('type', None)
    if not isinstance(name, str) or name not in _KINDS:
        raise ValueError(f'unknown step {name!r:.40}')
    try:
        return _KINDS[name](**settings)
    except TypeError as error:
        raise ValueError(f'cannot build a step: {error}') from None
