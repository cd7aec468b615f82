"""Batches of groups: anchors from any sampler, plus their companions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, get_rank
from numpy.random import Generator
from torch.utils.data import Sampler

from mmqcs.functional import PAIR, QUADRUPLET, Ring
from mmqcs.registry import DATA_SAMPLERS

from .draws import class_index, epoch_generator

Groups = tuple[np.ndarray, ...]


class GroupBatchSampler(Sampler, ABC):
    """Extends each batch of anchors by the other images of their groups.

    A batch has its indices in branch-major order: B anchors, then their B positives,
    and so on. Companions are drawn in the main process from a generator keyed by (seed,
    epoch, rank), so groups do not depend on workers, or on whether a run was resumed.

    Args:
        sampler: Anchor sampler, with the attribute ``dataset``.
        batch_size: B, anchors per batch.
        drop_last: Whether to drop an incomplete last batch.
        seed: Seed of the companions. Defaults to that of the anchor sampler.

    Raises:
        ValueError: The dataset cannot form groups, the batch size is not positive, no
            seed is given and the sampler has none, or the processes would get different
            numbers of batches.
    """

    ring: Ring
    """The images of a group, for programs that show batches."""

    def __init__(
        self,
        sampler: Sampler,
        batch_size: int,
        drop_last: bool = False,
        seed: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size (anchors) must be ≥ 1, got {batch_size}')
        seed = getattr(sampler, 'seed', None) if seed is None else seed
        if seed is None or not hasattr(sampler, 'dataset'):
            raise ValueError(
                f'{type(self).__name__} needs an anchor sampler with the attributes '
                f'dataset and seed, which {type(sampler).__name__} lacks. Use '
                f'DefaultSampler, InfiniteSampler or mmqcs.BalancedSampler'
            )
        # MMEngine's epoch hook calls `set_epoch` of this attribute.
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.seed = seed
        self.index = class_index(sampler.dataset)
        self.index.check_pairs()
        self._check_lengths()

    def _check_lengths(self) -> None:
        lengths = all_gather_object(len(self))  # only one without distribution
        if len(set(lengths)) > 1:
            raise ValueError(
                f'the processes would get {lengths} batches per epoch, and those with '
                f'more would wait for the others forever. Use an anchor sampler that '
                f'divides equally, such as DefaultSampler with round_up=True'
            )

    @abstractmethod
    def draw_groups(self, anchors: np.ndarray, rng: Generator) -> Groups:
        """Draw the groups of the anchors (B,).

        Returns an array of indices (B,) for each branch, the anchors first.
        """

    def __iter__(self) -> Iterator[list[int]]:
        """Yield batches of indices in branch-major order."""
        epoch = getattr(self.sampler, 'epoch', 0)
        rng = epoch_generator('companions', self.seed, epoch, get_rank())
        anchors = iter(self.sampler)
        while batch := list(islice(anchors, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            groups = self.draw_groups(np.asarray(batch), rng)
            yield np.concatenate(groups).tolist()

    def __len__(self) -> int:
        """Return the number of batches per epoch of this rank."""
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full + bool(rest and not self.drop_last)


@DATA_SAMPLERS.register_module()
class PairBatchSampler(GroupBatchSampler):
    """Groups of two for DCS: an anchor and a positive of its class.

    Args:
        sampler, batch_size, drop_last, seed: See :class:`.GroupBatchSampler`.

    Examples:
        >>> from mmengine.dataset import DefaultSampler
        >>> from mmqcs.datasets import SynthFER
        >>> data = SynthFER('train', num_images=70)
        >>> sampler = PairBatchSampler(DefaultSampler(data, seed=0), batch_size=3)
        >>> labels = data.get_gt_labels()[next(iter(sampler))]
        >>> bool((labels[:3] == labels[3:]).all())
        True
    """

    ring = PAIR

    def draw_groups(self, anchors: np.ndarray, rng: Generator) -> Groups:
        """See the base class."""
        return anchors, self.index.others(anchors, rng)


@DATA_SAMPLERS.register_module()
class QuadrupletBatchSampler(GroupBatchSampler):
    """Groups of four for QCS: anchor, positive, negative, second negative.

    The positive is uniform over the other images of the anchor's class, and the second
    negative over the other images of the negative's class. In a config, ``batch_size``
    is the number of anchors per batch::

        train_dataloader = dict(
            batch_size=24,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler'))

    Args:
        **kwargs: See :class:`.GroupBatchSampler`.
        negative: ``'natural'``: all images of other classes are equally likely.
            ``'uniform'``: all other classes are equally likely, then all images of the
            class.

    Raises:
        ValueError: As in the base class; or there is only one class.

    Examples:
        >>> from mmengine.dataset import DefaultSampler
        >>> from mmqcs.datasets import SynthFER
        >>> data = SynthFER('train', num_images=70)
        >>> sampler = QuadrupletBatchSampler(DefaultSampler(data, seed=0), batch_size=3)
        >>> batch = next(iter(sampler))  # branch after branch
        >>> data.get_gt_labels()[batch].reshape(4, 3)
        array([[5, 5, 0],
               [5, 5, 0],
               [1, 2, 5],
               [1, 2, 5]])
    """

    ring = QUADRUPLET

    def __init__(self, *args: Any, negative: str = 'natural', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if negative not in ('natural', 'uniform'):
            raise ValueError(
                f"negative must be 'natural' or 'uniform', got {negative!r}"
            )
        self.negative = negative
        self.index.check_negatives()

    def draw_groups(self, anchors: np.ndarray, rng: Generator) -> Groups:
        """See the base class."""
        positives = self.index.others(anchors, rng)
        negatives = getattr(self.index, f'{self.negative}_negatives')(anchors, rng)
        return anchors, positives, negatives, self.index.others(negatives, rng)
