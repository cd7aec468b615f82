"""Folds for datasets that have no official split."""

from abc import ABC
from collections.abc import Iterable, Sequence
from typing import Any

from .fer_dataset import FERDataset

__all__ = ['FoldedDataset']


class FoldedDataset(FERDataset, ABC):
    """Base of the datasets without an official split.

    ``'train'`` and ``'test'`` divide *groups* of images, so that no group is in
    both. A group is a subject, or another unit that the subclass names. Of the
    groups in order, every ``num_folds``-th from the ``fold``-th on is tested.

    Args:
        data_root: Root folder.
        split: ``'train'``, ``'test'`` or ``'all'``.
        pipeline: Transforms.
        fold: Fold that is tested, counted from 0.
        num_folds: Number of folds, at least 2. Defaults to 10.
        **kwargs: See :class:`.FERDataset`.

    Raises:
        ValueError: ``fold`` or ``num_folds`` is out of its range.
    """

    SPLITS = ('train', 'test', 'all')

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        pipeline: Sequence = (),
        fold: int = 0,
        num_folds: int = 10,
        **kwargs: Any,
    ) -> None:
        if num_folds < 2 or not 0 <= fold < num_folds:
            raise ValueError(
                f'num_folds must be ≥ 2 and fold from 0 to num_folds - 1, got '
                f'{num_folds} and {fold}'
            )
        self.fold = fold
        self.num_folds = num_folds
        super().__init__(data_root, split, pipeline, **kwargs)

    def groups_of_split(self, groups: Iterable[str]) -> set[str]:
        """Return the groups that are in this split.

        Args:
            groups: Groups of all images of the dataset, in any order.
        """
        ordered = sorted(set(groups))
        tested = ordered[self.fold :: self.num_folds]
        if self.split == 'all':
            return set(ordered)
        return set(tested) if self.split == 'test' else set(ordered) - set(tested)
