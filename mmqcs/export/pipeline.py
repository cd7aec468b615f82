"""Faces of a config's datasets, before and after its test pipeline."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import mmcv.transforms
import mmpretrain.datasets.transforms
import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.structures import DataSample
from torch import Tensor

from mmqcs.datasets.transforms import CropFace, SampleFace
from mmqcs.deployment.steps import CenterCrop, Resize, ResizeEdge, Step, Subsample
from mmqcs.registry import DATASETS

from .checks import ExportError

BATCH_SIZE = 16

Transform = Callable[[dict], dict]


class FaceBatch(NamedTuple):
    """Faces before and after the test pipeline."""

    faces: list[np.ndarray]
    """Loaded and cropped faces, uint8 (H, W, 3); empty if ``steps`` are unknown."""
    images: Tensor
    """Packed images, (B, 3, height, width)."""
    samples: list[DataSample]
    """Their data samples."""


class ConfigFaces:
    """Faces of a config's test set, and of its training set under the test pipeline.

    ``steps`` are those of the test pipeline that change the pixels of a face, or None
    if they cannot be described; ``problem`` says why.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        if not config.get('test_dataloader'):
            raise ExportError('the config has no test_dataloader to check the export')
        self.test_set = _build(config.test_dataloader.dataset)
        if len(self.test_set) == 0:
            raise ExportError('the test set is empty')
        self.steps: tuple[Step, ...] | None = None
        self.problem = ''
        try:
            self._loading, self.steps = self._read_steps()
        except ExportError as error:
            self.problem = str(error)

    def _read_steps(self) -> tuple[int, tuple[Step, ...]]:
        dataset = self.test_set
        if not hasattr(dataset, 'pipeline'):
            raise ExportError(f'a {type(dataset).__name__} has no pipeline of its own')
        loading, steps = read_pipeline(dataset.pipeline.transforms)
        face = _apply(dataset.get_data_info(0), dataset.pipeline.transforms[:loading])
        shape, kind = face['img'].shape, face['img'].dtype
        if kind != np.uint8 or len(shape) != 3 or shape[2] != 3:
            raise ExportError(
                f'the test pipeline loads {kind} images of shape {shape}, expected '
                f'uint8 with three channels'
            )
        return loading, steps

    def test_batches(self, count: int | None = None) -> Iterator[FaceBatch]:
        """Yield the first ``count`` faces of the test set, by default all."""
        indices = range(len(self.test_set))[:count]
        return self._batches(self.test_set, indices)

    def train_batches(self, count: int) -> Iterator[FaceBatch]:
        """Yield random faces of the training set (seed 0) under the test pipeline."""
        train = self._config.get('train_dataloader')
        pipeline = self._config.test_dataloader.dataset.get('pipeline')
        if not train or 'pipeline' not in train.dataset or not pipeline:
            raise ExportError(
                'int8 is calibrated on the training set under the test pipeline, but '
                'the config has no train_dataloader.dataset.pipeline or no '
                'test_dataloader.dataset.pipeline'
            )
        settings = deepcopy(train.dataset)
        settings.pipeline = pipeline
        settings.pop('cache_mib', None)  # caches the images of the training pipeline
        dataset = _build(settings)
        order = np.random.default_rng(0).permutation(len(dataset))
        return self._batches(dataset, order[:count].tolist())

    def _batches(self, dataset: Any, indices: Sequence[int]) -> Iterator[FaceBatch]:
        for start in range(0, len(indices), BATCH_SIZE):
            pairs = [self._item(dataset, i) for i in indices[start:][:BATCH_SIZE]]
            items = [item for _, item in pairs]
            images = [item['inputs'] for item in items]
            if len({getattr(image, 'shape', None) for image in images} - {None}) != 1:
                raise ExportError('the test pipeline returns several sizes or views')
            yield FaceBatch(
                [face for face, _ in pairs if face is not None],
                torch.stack(images),
                [item['data_samples'] for item in items],
            )

    def _item(self, dataset: Any, index: int) -> tuple[np.ndarray | None, dict]:
        if self.steps is None:
            return None, dataset[index]
        transforms = dataset.pipeline.transforms
        results = _apply(dataset.get_data_info(index), transforms[: self._loading])
        face = results['img']
        return face, _apply(results, transforms[self._loading :])


def _build(settings: Any) -> Any:
    try:
        dataset = DATASETS.build(deepcopy(settings))
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
        return dataset
    except AssertionError as error:  # MMPretrain's error for other class folders
        raise ExportError(f'cannot read the dataset: {error}') from error


def _apply(results: dict, transforms: Iterable[Transform]) -> dict:
    for transform in transforms:
        results = transform(results)
    return results


def read_pipeline(transforms: Sequence[Transform]) -> tuple[int, tuple[Step, ...]]:
    """Split a test pipeline into transforms that load a face and steps that shape it.

    Returns:
        The number of transforms that load and crop, and the steps that follow.
    """
    if not transforms or not isinstance(transforms[-1], PackInputs):
        raise ExportError('the test pipeline does not end with PackInputs')
    before = transforms[:-1]
    loads = [isinstance(x, LoadImageFromFile | CropFace) for x in before]
    loading = [*loads, False].index(False)
    return loading, tuple(step for x in before[loading:] for step in _steps(x))


def _steps(transform: Any) -> list[Step]:
    try:
        if isinstance(transform, SampleFace) and not transform.is_random:
            side, crop = transform.resize, transform.crop
            steps: list[Step] = [Resize(side, side, backend='pillow')]
            if crop != side:
                steps.append(CenterCrop(crop, crop))
            if transform.step > 1:
                steps.append(Subsample(transform.step))
            return steps
        if isinstance(transform, mmpretrain.datasets.transforms.ResizeEdge):
            edge = transform.scale, transform.edge
            return [ResizeEdge(*edge, transform.interpolation, transform.backend)]
        if type(transform) is mmcv.transforms.Resize and not (
            transform.scale is None or transform.keep_ratio
        ):
            width, height = transform.scale
            return [Resize(height, width, transform.interpolation, transform.backend)]
        if type(transform) is mmcv.transforms.CenterCrop and not transform.auto_pad:
            return [CenterCrop(*transform.crop_size[::-1])]
    except ValueError as error:
        raise ExportError(f'unsupported test pipeline: {error}') from error
    raise ExportError(f'the test pipeline has {transform!r}, which is not supported')
