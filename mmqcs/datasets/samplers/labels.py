"""Makes the class index of any OpenMMLab data set."""

from collections.abc import Sized

from mmqcs.functional import ClassIndex
from mmqcs.functional.dataset_labels import dataset_labels


def class_index(dataset: Sized) -> ClassIndex:
    """Builds the class index of a data set.

    Args:
        dataset: See :func:`mmqcs.functional.dataset_labels.dataset_labels`.

    Raises:
        ValueError: The items hold no single integer ``gt_label``.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    try:
        labels = dataset_labels(dataset)
    except ValueError as error:
        raise ValueError(f'groups are formed by class, but {error}') from error
    return ClassIndex(labels, classes)
