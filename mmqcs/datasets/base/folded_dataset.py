"""Base of the datasets without an official split."""

from abc import ABC
from collections.abc import Iterable
from typing import Any

from .fer_dataset import FERDataset


class FoldedDataset(FERDataset, ABC):
    """Base of the datasets without an official split.

    ``'train'`` and ``'test'`` divide *groups* of images, so that no group is in both.
    A group is a subject unless the subclass says otherwise. Of the sorted groups, every
    ``num_folds``-th from the ``fold``-th on is in the test split.

    Args:
        **kwargs: See :class:`.FERDataset`; ``split`` can also be ``'all'``.
        fold: Fold to test on, counted from 0.
        num_folds: Number of folds, at least 2. Defaults to 10.

    Raises:
        ValueError: ``fold`` or ``num_folds`` is out of range.
    """

    SPLITS = ('train', 'test', 'all')

    def __init__(
        self, *args: Any, fold: int = 0, num_folds: int = 10, **kwargs: Any
    ) -> None:
        if num_folds < 2 or not 0 <= fold < num_folds:
            raise ValueError(
                f'num_folds must be ≥ 2 and fold from 0 to num_folds - 1, got '
                f'{num_folds} and {fold}'
            )
        self.fold = fold
        self.num_folds = num_folds
        super().__init__(*args, **kwargs)

    def groups_of_split(self, groups: Iterable[str]) -> set[str]:
        """Return the groups of this split, given those of all images."""
        ordered = sorted(set(groups))
        tested = set(ordered[self.fold :: self.num_folds])
        if self.split == 'all':
            return set(ordered)
        return tested if self.split == 'test' else set(ordered) - tested
