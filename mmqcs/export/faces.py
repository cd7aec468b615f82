"""Faces of the data sets of a config, raw and as batches for the network."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmqcs.deployment.geometry import Step

from .errors import ExportError
from .pipeline import read_pipeline

__all__ = ['FaceData']


class FaceData:
    """The test set of a config, and its training set under the test pipeline.

    Args:
        config: A whole config.

    Attributes:
        loader: Of the test set, in this process.
        classes: Names of the classes, or None if the data set has none.
        steps: What the test pipeline does to a face, or None.
        problem: Why there are no steps, or ''.

    Raises:
        ExportError: The config has no test data.
        FileNotFoundError, ValueError: The data set cannot be read.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        if not config.get('test_dataloader'):
            raise ExportError(
                'the config has no test_dataloader, whose faces an export is checked on'
            )
        self.loader = _build(config.test_dataloader)
        dataset = self.loader.dataset
        if len(dataset) == 0:
            raise ExportError('the test set is empty')
        self.classes = dataset.metainfo.get('classes')
        self.steps: tuple[Step, ...] | None = None
        self.problem = ''
        try:
            self._loading, self.steps = self._read_pipeline()
        except ExportError as error:
            self.problem = str(error)

    def _read_pipeline(self) -> tuple[list[Any], tuple[Step, ...]]:
        dataset = self.loader.dataset
        if not hasattr(dataset, 'pipeline'):
            raise ExportError(
                f'the test set is a {type(dataset).__name__}, which has no pipeline '
                f'of its own'
            )
        loading, steps = read_pipeline(dataset.pipeline.transforms)
        face = _load(dataset, 0, loading)
        if face.dtype != np.uint8 or face.ndim != 3 or face.shape[2] != 3:
            raise ExportError(
                f'the test pipeline loads images of {face.dtype} and shape '
                f'{face.shape}, not of uint8 and three channels'
            )
        return loading, steps

    def raw_faces(self, count: int) -> list[np.ndarray]:
        """The first faces of the test set as a user has them.

        Args:
            count: How many; fewer if the test set is smaller.

        Returns:
            uint8 (H, W, 3) each, loaded and cut out but not resized. Only where
            ``steps`` is not None.
        """
        dataset = self.loader.dataset
        count = min(count, len(dataset))
        return [_load(dataset, i, self._loading) for i in range(count)]

    def first(self, count: int) -> dict[str, Any]:
        """The first faces of the test set as one batch of the data loader.

        Args:
            count: How many; fewer if the test set is smaller.
        """
        dataset = self.loader.dataset
        items = [dataset[i] for i in range(min(count, len(dataset)))]
        return self.loader.collate_fn(items)

    def calibration(self, count: int) -> Iterator[dict[str, Any]]:
        """Faces of the training set under the test pipeline, drawn with seed 0.

        Args:
            count: How many; fewer if the training set is smaller.

        Yields:
            Batches of the data loader.

        Raises:
            ExportError: The config has no training set, or no test pipeline that
                could be put into it.
        """
        train = self._config.get('train_dataloader')
        pipeline = self._config.test_dataloader.dataset.get('pipeline')
        if not train or 'pipeline' not in train.dataset or not pipeline:
            raise ExportError(
                'int8 is calibrated on the training set of the config under its test '
                'pipeline, but train_dataloader.dataset.pipeline or '
                'test_dataloader.dataset.pipeline is missing'
            )
        settings = deepcopy(self._config.test_dataloader)
        settings.dataset = deepcopy(train.dataset)
        settings.dataset.pipeline = deepcopy(pipeline)
        settings.dataset.pop('cache_mib', None)  # its transform is not in there
        settings.batch_size = min(count, 16)
        settings.sampler = {'type': 'DefaultSampler', 'shuffle': True, 'seed': 0}
        left = count
        for batch in _build(settings):
            size = min(left, len(batch['data_samples']))
            yield {key: value[:size] for key, value in batch.items()}
            left -= size
            if left == 0:
                return


def _build(settings: Any) -> DataLoader:
    settings = deepcopy(settings)
    settings.update(num_workers=0, persistent_workers=False, pin_memory=False)
    settings.setdefault('collate_fn', {'type': 'default_collate'})
    try:
        return Runner.build_dataloader(settings, seed=0)
    except AssertionError as error:  # how MMPretrain reports other class folders
        raise ExportError(f'the data set cannot be read: {error}') from error


def _load(dataset: Any, index: int, loading: list[Any]) -> np.ndarray:
    results = dataset.get_data_info(index)
    for transform in loading:
        results = transform(results)
    return results['img']
