"""The names of the classes of a classifier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from mmqcs.datasets.base.fer_dataset import FERDataset
from mmqcs.expressions import target_classes

from .safe_load import CheckpointError


def class_names(
    meta: Mapping[str, Any], config: Config, outputs: int | None, source: str | Path
) -> tuple[str, ...] | None:
    """Name the outputs of a classifier, in their order, if anything names them.

    The names in the checkpoint win, because they are those of its training. Without
    them the dataset of the config gives the names.

    Raises:
        ValueError: There are more or fewer names than outputs.
        CheckpointError: The checkpoint does not hold a list of distinct names.
    """
    classes = checkpoint_classes(meta, source) or config_classes(config)
    if classes and outputs is not None and len(classes) != outputs:
        raise ValueError(
            f'{source}: the model has {outputs} outputs, but {len(classes)} classes '
            f'have names: {", ".join(classes)}. Is the dataset of the config the one '
            f'that the model was trained on?'
        )
    return classes or None


def checkpoint_classes(
    meta: Mapping[str, Any], path: str | Path
) -> tuple[str, ...] | None:
    """Read class names, in the order of the outputs, from ``meta`` of a checkpoint.

    Raises:
        CheckpointError: They are not a list of distinct names. Names the path.
    """
    described = meta.get('dataset_meta') or {}
    classes = described.get('classes') if isinstance(described, Mapping) else described
    if classes is None or (isinstance(classes, (list, tuple)) and not classes):
        return None
    if (
        not isinstance(classes, (list, tuple))
        or not all(isinstance(name, str) for name in classes)
        or len(set(classes)) < len(classes)
    ):
        raise CheckpointError(
            f'{path}: dataset_meta gives the classes as {classes!r:.80}, expected a '
            f'list of distinct names'
        )
    return tuple(classes)


def config_classes(config: Config) -> tuple[str, ...] | None:
    """Return the class names of the test dataset of a config, without reading data.

    ``train_dataloader`` counts if there is no ``test_dataloader``. The result is None
    if the config does not give the names.
    """
    loader = config.get('test_dataloader') or config.get('train_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'dataset' in dataset:  # wrappers such as RepeatDataset
        dataset = dataset['dataset']
    if classes := (dataset.get('metainfo') or {}).get('classes'):
        return tuple(classes)
    if 'type' not in dataset:
        return None
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        kind = DATASETS.get(dataset['type'])
    own = getattr(kind, 'METAINFO', {}).get('classes')
    if isinstance(kind, type) and issubclass(kind, FERDataset):
        order, count = dataset.get('label_order', 'own'), dataset.get('num_classes')
        return target_classes(kind.METAINFO['classes'], order, count)
    return tuple(own) if own else None
