"""Batches of groups: anchors from any sampler, plus their companions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, get_rank
from numpy.random import Generator
from torch.utils.data import Sampler

from mmqcs.functional import (
    PAIR,
    QUADRUPLET,
    Ring,
    negative_weights,
    update_confusion,
)
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
            class. ``'confusion'``: other classes are drawn in proportion to how
            strongly the model takes anchors for them, then all images of the class are
            equally likely. ``mmqcs.ConfusionHook`` updates the confusion after each
            epoch. The first epoch is that of ``'natural'``.
        temperature: Of ``'confusion'``. The probability of class j for anchors of class
            i is proportional to ``confusion[i, j] ** (1 / temperature)``, so 1 is in
            proportion, and large values are nearly uniform.
        momentum: Of ``'confusion'``: weight of the last epoch in the exponential mean
            over the epochs.

    Raises:
        ValueError: As in the base class; there is only one class; an option is out of
            range; or ``'confusion'`` is combined with endless anchors.
        RuntimeError: In the second epoch with ``'confusion'``, if the hook is missing.

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

    def __init__(
        self,
        *args: Any,
        negative: str = 'natural',
        temperature: float = 1.0,
        momentum: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if negative not in ('natural', 'uniform', 'confusion'):
            raise ValueError(
                f"negative must be 'natural', 'uniform' or 'confusion', got "
                f'{negative!r}'
            )
        if not (temperature > 0 and 0 < momentum <= 1):
            raise ValueError(
                f'temperature must be > 0 and momentum in (0, 1], got {temperature} '
                f'and {momentum}'
            )
        if negative == 'confusion' and not hasattr(self.sampler, 'epoch'):
            raise ValueError(
                f"negative='confusion' changes between epochs, but "
                f'{type(self.sampler).__name__} has none. Use DefaultSampler or '
                f'mmqcs.BalancedSampler and train by epochs'
            )
        self.negative = negative
        self.temperature = temperature
        self.momentum = momentum
        self.hook_installed = False
        """Set by ``mmqcs.ConfusionHook``."""
        self._confusion: np.ndarray | None = None
        self.index.check_negatives()

    @property
    def confusion(self) -> np.ndarray | None:
        """Mean confusion (K, K) that negatives are drawn by; None in the first epoch.

        Row i is the mean probability of each class over anchors of class i, or zero if
        there were none. Set it between two epochs only: batches are drawn ahead.
        """
        return self._confusion

    @confusion.setter
    def confusion(self, value: np.ndarray | None) -> None:
        self._confusion = value
        if value is not None:
            counts = np.zeros(len(value), dtype=np.int64)
            counts[: len(self.index.counts)] = self.index.counts
            self._weights = negative_weights(value, counts, self.temperature)

    def update_confusion(self, sums: np.ndarray) -> None:
        """Add the anchors of an epoch to the mean.

        Args:
            sums: Their :func:`.confusion_sums`, (K, K), the same on all ranks.
        """
        running = np.zeros(sums.shape) if self.confusion is None else self.confusion
        self.confusion = update_confusion(running, sums, self.momentum)

    def __iter__(self) -> Iterator[list[int]]:
        """See the base class."""
        by_confusion = self.negative == 'confusion'
        epoch = getattr(self.sampler, 'epoch', 0)
        if by_confusion and not self.hook_installed and epoch > 0:
            raise RuntimeError(
                "negative='confusion' needs the confusion of the model after each "
                'epoch. Set default_hooks.confusion=dict('
                "type='mmqcs.ConfusionHook')"
            )
        return super().__iter__()

    def draw_groups(self, anchors: np.ndarray, rng: Generator) -> Groups:
        """See the base class."""
        positives = self.index.others(anchors, rng)
        if self.confusion is not None:
            negatives = self.index.weighted_negatives(anchors, self._weights, rng)
        elif self.negative == 'uniform':
            negatives = self.index.uniform_negatives(anchors, rng)
        else:
            negatives = self.index.natural_negatives(anchors, rng)
        return anchors, positives, negatives, self.index.others(negatives, rng)
