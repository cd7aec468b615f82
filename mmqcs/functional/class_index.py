"""Companions of an anchor without searching the data set."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

IntArray = np.ndarray


class ClassIndex:
    """Images sorted by class, so that companions are drawn in constant time.

    Holds two 4- or 8-byte integers an image: the images in class order, and
    the place of each image in that order. All draws are vectorised and take an
    explicit generator.

    Args:
        labels: Class of each image, (N,), integers ≥ 0.
        names: Names of the classes, for error messages.

    Raises:
        ValueError: The labels are empty, not one-dimensional, not integers or
            negative; or a draw is asked for that the data cannot serve.

    Examples:
        >>> index = ClassIndex(np.array([0, 0, 1, 1, 2, 2]))
        >>> rng = np.random.default_rng(0)
        >>> index.others(np.array([0, 3, 5]), rng)  # the other image of each class
        array([1, 2, 4], dtype=int32)
        >>> index.labels_of(index.natural_negatives(np.array([0, 0, 0]), rng)) > 0
        array([ True,  True,  True])
    """

    def __init__(self, labels: IntArray, names: Sequence[str] | None = None) -> None:
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.size == 0:
            raise ValueError(
                f'labels must be a non-empty list of class numbers, got an array of '
                f'shape {labels.shape}'
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
            raise ValueError(
                f'labels must be integers ≥ 0, got {labels.dtype} with minimum '
                f'{labels.min()}'
            )
        self.names = names
        dtype = np.int32 if labels.size < 2**31 else np.int64
        self.order = np.argsort(labels, kind='stable').astype(dtype)
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(labels.size, dtype=dtype)
        self.counts = np.bincount(labels)
        self.starts = np.concatenate(([0], np.cumsum(self.counts)))
        self.present = np.flatnonzero(self.counts)

    def __len__(self) -> int:
        return len(self.order)

    def name(self, label: int) -> str:
        """Class number and, where known, its name."""
        if self.names is not None and label < len(self.names):
            return f'{label} ({self.names[label]})'
        return str(label)

    def check_pairs(self) -> None:
        """Raises ValueError if some image has no other image of its class."""
        lonely = [self.name(c) for c in self.present if self.counts[c] == 1]
        if lonely:
            raise ValueError(
                f'no positive can be drawn for class {", ".join(lonely)}: it has a '
                f'single image. Add images of it or leave it out of the data set'
            )

    def check_negatives(self) -> None:
        """Raises ValueError if there is only one class."""
        if len(self.present) < 2:
            raise ValueError(
                f'no negative can be drawn: all {len(self)} images are of class '
                f'{self.name(self.present[0])}. Groups of four need at least two '
                f'classes; groups of two (PairBatchSampler) do with one'
            )

    def labels_of(self, images: IntArray) -> IntArray:
        """Class of each image, (M,)."""
        return np.searchsorted(self.starts, self.place[images], side='right') - 1

    def others(self, images: IntArray, rng: Generator) -> IntArray:
        """For each image another image of its class, uniformly: (M,)."""
        place = self.place[images]
        label = np.searchsorted(self.starts, place, side='right') - 1
        start = self.starts[label]
        draw = rng.integers(self.counts[label] - 1) + start
        return self.order[draw + (draw >= place)]

    def natural_negatives(self, images: IntArray, rng: Generator) -> IntArray:
        """For each image one of another class, all images equally likely: (M,)."""
        label = self.labels_of(images)
        draw = rng.integers(len(self) - self.counts[label])
        skip = np.where(draw >= self.starts[label], self.counts[label], 0)
        return self.order[draw + skip]

    def uniform_negatives(self, images: IntArray, rng: Generator) -> IntArray:
        """For each image a class other than its own, uniformly, then one of it."""
        rank = np.searchsorted(self.present, self.labels_of(images))
        draw = rng.integers(len(self.present) - 1, size=len(rank))
        return self.members(self.present[draw + (draw >= rank)], rng)

    def members(self, labels: IntArray, rng: Generator) -> IntArray:
        """For each class one of its images, uniformly: (M,)."""
        return self.order[self.starts[labels] + rng.integers(self.counts[labels])]
