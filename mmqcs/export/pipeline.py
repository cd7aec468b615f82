"""Reads off a test pipeline what it does to the pixels of a face."""

from collections.abc import Callable, Sequence
from functools import cache

import mmcv.transforms
import mmpretrain.datasets.transforms
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmpretrain.datasets.transforms import PackInputs
from PIL import Image

from mmqcs.datasets.transforms import CropFace, SampleFace
from mmqcs.deployment.geometry import CenterCrop, Resize, ResizeEdge, Step, Subsample
from mmqcs.deployment.pillow_resize import pillow_resize

from .errors import ExportError

__all__ = ['read_pipeline']

Transform = Callable[[dict], dict]


def read_pipeline(
    transforms: Sequence[Transform],
) -> tuple[list[Transform], tuple[Step, ...]]:
    """Splits a pipeline into what loads a face and what shapes its pixels.

    Args:
        transforms: The built transforms of a test pipeline.

    Returns:
        Transforms that load the image and cut the face out, and the steps that
        follow.

    Raises:
        ExportError: A transform is not known, or has arguments that are not.
    """
    *before, last = transforms or [None]
    if not isinstance(last, PackInputs):
        raise ExportError('the test pipeline does not end with PackInputs')
    loading = 0
    while loading < len(before) and _loads(before[loading]):
        loading += 1
    steps = [step for t in before[loading:] for step in _steps(t)]
    return list(before[:loading]), tuple(steps)


def _loads(transform: Transform) -> bool:
    return isinstance(transform, LoadImageFromFile | CropFace)


def _steps(transform: Transform) -> list[Step]:
    if isinstance(transform, SampleFace):
        return _sample_face(transform)
    try:
        if isinstance(transform, mmpretrain.datasets.transforms.ResizeEdge):
            return [
                ResizeEdge(
                    length=transform.scale, edge=transform.edge, **_method(transform)
                )
            ]
        if type(transform) is mmcv.transforms.Resize and _fixed(transform):
            width, height = transform.scale
            return [Resize(height=height, width=width, **_method(transform))]
    except ValueError as error:
        raise ExportError(f'the test pipeline asks for {error}') from error
    if type(transform) is mmcv.transforms.CenterCrop and not transform.auto_pad:
        width, height = transform.crop_size
        return [CenterCrop(height, width)]
    raise ExportError(f'the test pipeline holds {transform!r}, which is not known')


def _fixed(transform: mmcv.transforms.Resize) -> bool:
    return transform.scale is not None and not transform.keep_ratio


def _method(transform: Transform) -> dict[str, str | bool]:
    backend = transform.backend
    settings = {'backend': backend, 'interpolation': transform.interpolation}
    if backend == 'pillow':
        settings['rows_may_go_first'] = rows_may_go_first()
    return settings


def _sample_face(transform: SampleFace) -> list[Step]:
    if transform.is_random:
        raise ExportError(f'the test pipeline draws at random: {transform!r}')
    side = transform.resize
    resizing = Resize(
        height=side,
        width=side,
        backend='pillow',
        rows_may_go_first=rows_may_go_first(),
    )
    steps: list[Step] = [resizing]
    if transform.crop != side:
        steps.append(CenterCrop(transform.crop, transform.crop))
    if transform.step > 1:
        steps.append(Subsample(transform.step))
    return steps


@cache
def rows_may_go_first() -> bool:
    """Whether the Pillow that is installed reduces the height first where it can.

    Raises:
        ExportError: It computes other pixels than either kind that is known.
    """
    image = np.random.default_rng(0).integers(0, 256, (40, 20, 3), np.uint8)
    size = 17, 19
    found = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    for answer in (True, False):
        expected = pillow_resize(image, *size, rows_may_go_first=answer)
        if np.array_equal(expected, found):
            return answer
    raise ExportError('this Pillow resizes otherwise than the releases that are known')
