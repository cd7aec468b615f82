"""The labels of any OpenMMLab data set."""

from collections.abc import Sized
from typing import Any

import numpy as np


def dataset_labels(dataset: Any) -> np.ndarray:
    """The label of every item of a data set or of a wrapper around one.

    Args:
        dataset: Anything with ``get_gt_labels()``, or with ``get_data_info(i)``
            that holds a ``gt_label``: all mmpretrain data sets and the wrappers
            Concat, Repeat, ClassBalanced and KFold.

    Returns:
        Integer (N,).

    Raises:
        ValueError: The items hold no single integer ``gt_label``.
    """
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
            f'{type(dataset).__name__} gives no gt_label for some images; use a '
            f'labelled data set'
        ) from error
    if any(np.ndim(label) for label in labels[:1]):
        raise ValueError(
            f'{type(dataset).__name__} gives several labels an image; use a '
            f'single-label data set'
        )
    return np.asarray(labels)


def class_counts(dataset: Sized) -> dict[str, int]:
    """Images of each class of a data set.

    Args:
        dataset: See :func:`dataset_labels`.

    Returns:
        By class name, or number where classes have no names; without images 0.

    Raises:
        ValueError: See :func:`dataset_labels`.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes') or ()
    counts = np.bincount(dataset_labels(dataset), minlength=len(classes))
    names = [*classes, *(str(i) for i in range(len(classes), len(counts)))]
    return dict(zip(names, counts.tolist(), strict=True))
