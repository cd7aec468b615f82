"""Steps of a test pipeline that shape a face, as data that can be stored and run."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import cv2
import numpy as np
from PIL import Image

__all__ = [
    'CenterCrop',
    'Resize',
    'ResizeEdge',
    'Step',
    'Subsample',
    'apply_steps',
    'step_from_dict',
    'step_to_dict',
]

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


class _Step:
    """Checks the fields of a step, which may come from a file of unknown origin."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if type(value) is not field.type or (
                field.type is int and not 0 < value <= _MAX
            ):
                raise ValueError(
                    f'step {type(self).__name__} has {field.name}={value!r:.40}, '
                    f'expected {field.type.__name__}, numbers from 1 to {_MAX}'
                )


class _Resizing(_Step):
    interpolation: str
    backend: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.interpolation not in _METHODS.get(self.backend, ()):
            raise ValueError(
                f'step {type(self).__name__} has interpolation={self.interpolation!r} '
                f'and backend={self.backend!r}, a combination that does not exist'
            )

    def _resize(self, image: np.ndarray, height: int, width: int) -> np.ndarray:
        method = _METHODS[self.backend][self.interpolation]
        if self.backend == 'pillow':
            resized = Image.fromarray(image).resize((width, height), method)
            return np.asarray(resized)
        return cv2.resize(image, (width, height), interpolation=method)


@dataclass(frozen=True)
class Resize(_Resizing):
    """Resize to a fixed size, whatever the proportions.

    Args:
        height: In pixels.
        width: In pixels.
        interpolation: Name in mmcv: ``'nearest'``, ``'bilinear'``, ``'bicubic'`` or
            ``'lanczos'``; OpenCV also has ``'area'``, Pillow ``'box'`` and
            ``'hamming'``.
        backend: ``'cv2'`` or ``'pillow'``.

    Raises:
        ValueError: A size is not 1 to 8192, or the backend does not have the
            interpolation.
    """

    height: int
    width: int
    interpolation: str = 'bilinear'
    backend: str = 'cv2'

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize an image, (H, W, 3) uint8, to (height, width, 3)."""
        return self._resize(image, self.height, self.width)


@dataclass(frozen=True)
class ResizeEdge(_Resizing):
    """Resize one edge to a fixed length and keep the proportions.

    Args:
        length: In pixels.
        edge: ``'short'``, ``'long'``, ``'width'`` or ``'height'``.
        interpolation: See :class:`Resize`.
        backend: See :class:`Resize`.

    Raises:
        ValueError: As for :class:`Resize`, or the edge is none of these.
    """

    length: int
    edge: str = 'short'
    interpolation: str = 'bilinear'
    backend: str = 'cv2'

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edge not in ('short', 'long', 'width', 'height'):
            raise ValueError(f'step ResizeEdge has edge={self.edge!r:.40}')

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Resize an image, (H, W, 3) uint8."""
        height, width = image.shape[:2]
        by_width = {
            'short': width < height,
            'long': width > height,
            'width': True,
            'height': False,
        }[self.edge]
        if by_width:
            size = int(self.length * height / width), self.length
        else:
            size = self.length, int(self.length * width / height)
        return self._resize(image, *size)


@dataclass(frozen=True)
class CenterCrop(_Step):
    """Cut out the centre; smaller images keep their size.

    Args:
        height: In pixels.
        width: In pixels.

    Raises:
        ValueError: A size is not 1 to 8192.
    """

    height: int
    width: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Crop an array (H, W, ...)."""
        top = max(0, round((image.shape[0] - self.height) / 2))
        left = max(0, round((image.shape[1] - self.width) / 2))
        return image[top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class Subsample(_Step):
    """Take every k-th pixel of both axes, starting with the first.

    Args:
        step: k.

    Raises:
        ValueError: k is not 1 to 8192.
    """

    step: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Sample an array, (H, W, ...) → (⌈H / k⌉, ⌈W / k⌉, ...)."""
        return image[:: self.step, :: self.step]


Step = Resize | ResizeEdge | CenterCrop | Subsample
_KINDS = {kind.__name__: kind for kind in get_args(Step)}


def apply_steps(image: np.ndarray, steps: Iterable[Step]) -> np.ndarray:
    """Run the steps one after the other.

    Args:
        image: (H, W, 3) uint8.
        steps: Steps of the test pipeline.

    Returns:
        uint8 pixels as the network takes them, before normalisation.
    """
    for step in steps:
        image = step(image)
    return np.ascontiguousarray(image)


def step_to_dict(step: Step) -> dict[str, Any]:
    """Return a step as JSON can hold it; see :func:`step_from_dict`."""
    return {'type': type(step).__name__, **asdict(step)}


def step_from_dict(settings: Mapping[str, Any]) -> Step:
    """Build the step that :func:`step_to_dict` described.

    Args:
        settings: ``type`` and the arguments of the step.

    Raises:
        ValueError: The type is unknown, or the arguments do not fit it.
    """
    settings = dict(settings)
    name = settings.pop('type', None)
    if not isinstance(name, str) or name not in _KINDS:
        raise ValueError(f'unknown step {name!r:.40}')
    try:
        return _KINDS[name](**settings)
    except TypeError as error:
        raise ValueError(f'cannot build a step: {error}') from None
