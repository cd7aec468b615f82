"""Reads the labels of any OpenMMLab data set or data set wrapper."""

from collections.abc import Sized
from typing import Any

import numpy as np

from mmqcs.functional import ClassIndex


def class_index(dataset: Sized) -> ClassIndex:
    """Builds the class index of a data set.

    Args:
        dataset: Anything with ``get_gt_labels()``, or with ``get_data_info(i)``
            that holds a ``gt_label``: all mmpretrain data sets and the wrappers
            Concat, Repeat, ClassBalanced and KFold.

    Raises:
        ValueError: The items hold no single integer ``gt_label``.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    return ClassIndex(_labels(dataset), classes)


def _labels(dataset: Any) -> np.ndarray:
    # A data set cut short by `num_batch_per_epoch` still answers with the
    # labels of the whole one, hence the slice.
    size = len(dataset)
    try:
        if hasattr(dataset, 'get_gt_labels'):
            labels = dataset.get_gt_labels()[:size]
        else:
            labels = [dataset.get_data_info(i)['gt_label'] for i in range(size)]
    except KeyError as error:
        raise ValueError(
            f'{type(dataset).__name__} gives no gt_label for some images, but groups '
            f'are formed by class. Use a labelled data set'
        ) from error
    if any(np.ndim(label) for label in labels[:1]):
        raise ValueError(
            f'{type(dataset).__name__} gives several labels an image, but groups are '
            f'formed by one class an image. Use a single-label data set'
        )
    return np.asarray(labels)
