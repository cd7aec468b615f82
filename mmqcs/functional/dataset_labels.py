"""Labels of OpenMMLab datasets, read without loading images."""

from collections.abc import Sized
from typing import Any

import numpy as np


def dataset_labels(dataset: Any) -> np.ndarray:
    """Return the labels of a dataset or of a wrapper around one, (N,).

    Args:
        dataset: Object with ``get_gt_labels()``, or with ``get_data_info(i)`` that
            holds a ``gt_label``: all datasets and wrappers of MMPretrain.

    Raises:
        ValueError: If an item does not have exactly one ``gt_label``.
    """
    # A dataset shortened by num_batch_per_epoch returns the labels of the whole one.
    size = len(dataset)
    try:
        if hasattr(dataset, 'get_gt_labels'):
            labels = dataset.get_gt_labels()[:size]
        else:
            labels = [dataset.get_data_info(i)['gt_label'] for i in range(size)]
    except KeyError as error:
        raise ValueError(
            f'{type(dataset).__name__} gives no gt_label for some images; use a '
            f'labelled dataset'
        ) from error
    if any(np.ndim(label) for label in labels[:1]):
        raise ValueError(
            f'{type(dataset).__name__} gives several labels per image; use a '
            f'single-label dataset'
        )
    return np.asarray(labels)


def class_counts(dataset: Sized) -> dict[str, int]:
    """Count the images per class of a dataset.

    Args:
        dataset: See :func:`dataset_labels`, also for errors.

    Returns:
        Counts by class name, or by number if classes have no names.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes') or ()
    counts = np.bincount(dataset_labels(dataset), minlength=len(classes))
    names = [*classes, *(str(i) for i in range(len(classes), len(counts)))]
    return dict(zip(names, counts.tolist(), strict=True))
