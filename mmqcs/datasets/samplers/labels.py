"""Class index of any OpenMMLab dataset."""

from collections.abc import Sized

from mmqcs.functional import ClassIndex
from mmqcs.functional.dataset_labels import dataset_labels


def class_index(dataset: Sized) -> ClassIndex:
    """Build the class index of a dataset.

    Args:
        dataset: See :func:`mmqcs.functional.dataset_labels.dataset_labels`.

    Raises:
        ValueError: The items do not have a single integer ``gt_label``.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    try:
        labels = dataset_labels(dataset)
    except ValueError as error:
        raise ValueError(f'groups are formed by class, but {error}') from error
    return ClassIndex(labels, classes)
