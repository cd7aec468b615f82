"""Random generators and the class index of a dataset, for the samplers."""

from collections.abc import Sized

import numpy as np

from mmqcs.functional import ClassIndex
from mmqcs.functional.dataset_labels import dataset_labels

_PURPOSES = ('anchors', 'companions')


def epoch_generator(
    purpose: str, seed: int, epoch: int, rank: int = 0
) -> np.random.Generator:
    """Create the generator for a purpose, seed, epoch and rank, all ≥ 0.

    The purpose, 'anchors' or 'companions', is part of the key because NumPy pads short
    keys with zeros: (seed, epoch) and (seed, epoch, 0) would give the same numbers.
    Omit the rank for draws that all ranks share.
    """
    return np.random.default_rng((1 + _PURPOSES.index(purpose), seed, epoch, rank))


def class_index(dataset: Sized) -> ClassIndex:
    """Build the class index of any OpenMMLab dataset with one label per image."""
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    try:
        labels = dataset_labels(dataset)
    except ValueError as error:
        raise ValueError(f'groups are formed by class, but {error}') from error
    return ClassIndex(labels, classes)
