"""Labels of a batch as tensors that also serve as data samples."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import Tensor

__all__ = ['LabelBatch']


class LabelBatch:
    """The labels of a batch, with one tensor for all images.

    MMPretrain keeps a ``DataSample`` with a tensor for each image. Sending, pinning
    and copying hundreds of them takes longer than training on small images. This
    class holds the same labels in one tensor. Models that expect data samples can
    still iterate over it and index it: the samples are made on first use, and their
    ``gt_label`` and ``gt_score`` are views of the tensors.

    It is not a ``collections.abc.Sequence``, because the data loader would then pin
    the samples one by one instead of calling :meth:`pin_memory`.

    Args:
        labels: Class of each image, int64 (B,).
        scores: Soft labels (B, K), or None.
        host_labels: The same labels on the CPU. If missing, they are copied from
            ``labels`` when they are needed, which waits for a GPU.

    Examples:
        >>> import torch
        >>> batch = LabelBatch(torch.tensor([3, 5]))
        >>> len(batch), batch[1].gt_label
        (2, tensor([5]))
    """

    def __init__(
        self,
        labels: Tensor,
        scores: Tensor | None = None,
        host_labels: np.ndarray | None = None,
    ) -> None:
        self.labels = labels
        self.scores = scores
        self._host_labels = host_labels

    @classmethod
    def from_samples(cls, samples: 'Sequence[DataSample] | LabelBatch') -> 'LabelBatch':
        """Collect the labels of data samples, unless they are collected already."""
        if isinstance(samples, LabelBatch):
            return samples
        labels = [sample.gt_label for sample in samples]
        scores = [sample.gt_score for sample in samples if 'gt_score' in sample]
        return cls(
            torch.cat(labels or [torch.empty(0, dtype=torch.int64)]),
            torch.stack(scores) if scores else None,
        )

    @property
    def host_labels(self) -> np.ndarray:
        """The labels for Python to read."""
        if self._host_labels is None:
            # A copy, because a tensor moves its memory when it is sent to a process.
            self._host_labels = self.labels.cpu().numpy().copy()
        return self._host_labels

    def pin_memory(self) -> 'LabelBatch':
        """Return a copy in page-locked memory."""
        scores = None if self.scores is None else self.scores.pin_memory()
        return LabelBatch(self.labels.pin_memory(), scores, self.host_labels)

    def to(
        self, device: torch.device | str, non_blocking: bool = False
    ) -> 'LabelBatch':
        """Copy the tensors to a device, and keep ``host_labels`` on the CPU."""
        scores = self.scores
        if scores is not None:
            scores = scores.to(device, non_blocking=non_blocking)
        labels = self.labels.to(device, non_blocking=non_blocking)
        return LabelBatch(labels, scores, self.host_labels)

    @cached_property
    def _samples(self) -> list[DataSample]:
        samples = []
        for label in self.labels.split(1):
            sample = DataSample()
            sample.gt_label = label
            samples.append(sample)
        if self.scores is not None:
            for sample, score in zip(samples, self.scores.unbind(), strict=True):
                sample.gt_score = score
        return samples

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice) -> DataSample | list[DataSample]:
        return self._samples[index]

    def __iter__(self) -> Iterator[DataSample]:
        return iter(self._samples)
