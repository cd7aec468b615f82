"""What a test pipeline does to the pixels of a face, in numpy and OpenCV."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import cv2
import numpy as np

from .pillow_resize import SUPPORT, pillow_resize

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
"""Longest side in pixels that a step of a file may ask for."""

_OPENCV = {
    'nearest': cv2.INTER_NEAREST,
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'lanczos': cv2.INTER_LANCZOS4,
}


@dataclass(frozen=True)
class _Resizing:
    """How pixels are computed.

    Args:
        interpolation: As mmcv names it: ``'nearest'``, ``'bilinear'``, ``'bicubic'``,
            ``'area'`` or ``'lanczos'`` of OpenCV, ``'bilinear'`` or ``'bicubic'`` of
            Pillow.
        backend: ``'cv2'`` or ``'pillow'``.
        rows_may_go_first: What Pillow does; see :func:`pillow_resize`.

    Raises:
        ValueError: The backend does not know the interpolation.
    """

    interpolation: str = 'bilinear'
    backend: str = 'cv2'
    rows_may_go_first: bool = True

    def __post_init__(self) -> None:
        known = {'cv2': _OPENCV, 'pillow': SUPPORT}.get(self.backend, ())
        if self.interpolation not in known:
            raise ValueError(
                f'no {self.interpolation!r} interpolation of the backend '
                f'{self.backend!r}'
            )

    def _resize(self, image: np.ndarray, height: int, width: int) -> np.ndarray:
        if self.backend == 'pillow':
            name, rows_first = self.interpolation, self.rows_may_go_first
            return pillow_resize(image, height, width, name, rows_first)
        method = _OPENCV[self.interpolation]
        return cv2.resize(image, (width, height), interpolation=method)


@dataclass(frozen=True, kw_only=True)
class Resize(_Resizing):
    """Resizes to a fixed size, whatever the proportions.

    Args:
        height: In pixels.
        width: In pixels.
        interpolation: ``'nearest'``, ``'bilinear'``, ``'bicubic'``, ``'area'`` or
            ``'lanczos'``; of Pillow ``'bilinear'`` or ``'bicubic'``.
        backend: ``'cv2'`` or ``'pillow'``.
        rows_may_go_first: What Pillow does; see
            :func:`~mmqcs.deployment.pillow_resize.pillow_resize`.
    """

    height: int
    width: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 → (height, width, 3)."""
        return self._resize(image, self.height, self.width)


@dataclass(frozen=True, kw_only=True)
class ResizeEdge(_Resizing):
    """Resizes one edge to a fixed length and keeps the proportions.

    Args:
        length: In pixels.
        edge: ``'short'``, ``'long'``, ``'width'`` or ``'height'``.
        interpolation: As of :class:`Resize`.
        backend: As of :class:`Resize`.
        rows_may_go_first: As of :class:`Resize`.
    """

    length: int
    edge: str = 'short'

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 → the same, one edge of the wanted length."""
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
class CenterCrop:
    """Cuts out the centre; images that are smaller stay as they are.

    Args:
        height: In pixels.
        width: In pixels.
    """

    height: int
    width: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) → (≤ height, ≤ width, 3)."""
        top = max(0, round((image.shape[0] - self.height) / 2))
        left = max(0, round((image.shape[1] - self.width) / 2))
        return image[top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class Subsample:
    """Takes every k-th pixel of both axes, from the first one on.

    Args:
        step: k.
    """

    step: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) → (⌈H / k⌉, ⌈W / k⌉, 3)."""
        return image[:: self.step, :: self.step]


Step = Resize | ResizeEdge | CenterCrop | Subsample
_KINDS = {kind.__name__: kind for kind in get_args(Step)}


def apply_steps(image: np.ndarray, steps: Iterable[Step]) -> np.ndarray:
    """Runs the steps one after the other.

    Args:
        image: (H, W, 3) uint8.
        steps: What to do.

    Returns:
        The pixels that the network takes, uint8.
    """
    for step in steps:
        image = step(image)
    return np.ascontiguousarray(image)


def step_to_dict(step: Step) -> dict[str, Any]:
    """A step as JSON can hold it; see :func:`step_from_dict`."""
    return {'type': type(step).__name__, **asdict(step)}


def step_from_dict(settings: Mapping[str, Any]) -> Step:
    """The step that :func:`step_to_dict` described.

    Args:
        settings: ``type`` and the arguments of the step.

    Raises:
        ValueError: Unknown type, or arguments that do not fit it.
    """
    settings = dict(settings)
    name = settings.pop('type', None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not {field.name for field in fields(kind)} >= set(settings):
        raise ValueError(f'unknown step {name!r} with {sorted(settings)}')
    for field in ('height', 'width', 'length', 'step'):
        value = settings.get(field, 1)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not 0 < value <= _MAX
        ):
            raise ValueError(
                f'step {name!r} has {field}={value!r:.40}, expected 1 to {_MAX} pixels'
            )
    for field in ('interpolation', 'backend', 'edge'):
        if not isinstance(settings.get(field, ''), str):
            raise ValueError(f'step {name!r} has {field}={settings[field]!r:.40}')
    if settings.get('edge', 'short') not in ('short', 'long', 'width', 'height'):
        raise ValueError(f'step {name!r} has edge={settings["edge"]!r:.40}')
    try:
        return kind(**settings)
    except TypeError as error:
        raise ValueError(f'step {name!r} is incomplete: {error}') from None
