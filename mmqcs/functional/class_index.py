"""Companions of an anchor, found without searching the dataset."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

IntArray = np.ndarray


class ClassIndex:
    """Images sorted by class, so that companions are drawn in constant time.

    Holds two integers per image, of 4 bytes (8 from 2³¹ images): the images in class
    order, and the place of each image in that order. All draws are vectorised.

    Args:
        labels: Class of each image, (N,), integers ≥ 0.
        names: Names of the classes, for error messages.

    Raises:
        ValueError: If the labels are not a non-empty list of integers ≥ 0.

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
        """Return the number of a class and, if known, its name."""
        if self.names is not None and label < len(self.names):
            return f'{label} ({self.names[label]})'
        return str(label)

    def check_pairs(self) -> None:
        """Raise ValueError if an image is the only one of its class."""
        lonely = [self.name(int(c)) for c in self.present if self.counts[c] == 1]
        if lonely:
            raise ValueError(
                f'no positive can be drawn for class {", ".join(lonely)}: it has a '
                f'single image. Add images of it or remove it from the dataset'
            )

    def check_negatives(self) -> None:
        """Raise ValueError if there is only one class."""
        if len(self.present) < 2:
            raise ValueError(
                f'no negative can be drawn: all {len(self)} images are of class '
                f'{self.name(self.present[0])}. Groups of four need at least two '
                f'classes; for groups of two (PairBatchSampler), one is enough'
            )

    def labels_of(self, images: IntArray) -> IntArray:
        """Return the class of each image, (M,)."""
        return np.searchsorted(self.starts, self.place[images], side='right') - 1

    def others(self, images: IntArray, rng: Generator) -> IntArray:
        """Draw another image of the class of each image, uniformly, (M,)."""
        place, label = self.place[images], self.labels_of(images)
        start = self.starts[label]
        draw = rng.integers(self.counts[label] - 1) + start
        return self.order[draw + (draw >= place)]

    def natural_negatives(self, images: IntArray, rng: Generator) -> IntArray:
        """Draw an image of another class for each image; all are equally likely."""
        label = self.labels_of(images)
        draw = rng.integers(len(self) - self.counts[label])
        skip = np.where(draw >= self.starts[label], self.counts[label], 0)
        return self.order[draw + skip]

    def uniform_negatives(self, images: IntArray, rng: Generator) -> IntArray:
        """Draw another class for each image, uniformly, and one of its images."""
        rank = np.searchsorted(self.present, self.labels_of(images))
        draw = rng.integers(len(self.present) - 1, size=len(rank))
        return self.members(self.present[draw + (draw >= rank)], rng)

    def weighted_negatives(
        self, images: IntArray, weights: np.ndarray, rng: Generator
    ) -> IntArray:
        """Draw another class for each image by its weight, and one of its images.

        Args:
            images: (M,).
            weights: Row i has the weights of the classes for images of class i, (K, K).
                They are 0 for class i and for classes without images.
            rng: Source of randomness.
        """
        ends = np.cumsum(weights, axis=1)[self.labels_of(images)]
        draw = rng.random(len(ends)) * ends[:, -1]
        return self.members((ends <= draw[:, None]).sum(axis=1), rng)

    def members(self, labels: IntArray, rng: Generator) -> IntArray:
        """Draw an image of each class, uniformly, (M,)."""
        return self.order[self.starts[labels] + rng.integers(self.counts[labels])]
