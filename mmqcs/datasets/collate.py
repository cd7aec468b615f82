"""Joins labelled images into a batch of few tensors."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from mmqcs.registry import FUNCTIONS
from mmqcs.structures import LabelBatch

__all__ = ['collate_faces']

_ADVICE = "Set collate_fn=dict(type='default_collate') in the data loader"


@FUNCTIONS.register_module()
def collate_faces(items: Sequence[dict[str, Any]]) -> dict[str, Tensor | LabelBatch]:
    """Stack images, and join their labels in one tensor.

    It replaces MMEngine's ``default_collate`` in training, where it saves the time
    to send a ``DataSample`` for each image to the main process. Paths and other
    metainfo are left out, so validation, whose metrics need them, keeps
    ``default_collate``.

    Args:
        items: Output of ``PackInputs`` for each image: ``inputs`` of equal shapes,
            and ``data_samples`` with one ``gt_label`` each and, in all of them or
            in none, a ``gt_score`` (K,).

    Returns:
        ``inputs`` (B, 3, H, W) and ``data_samples``, a :class:`LabelBatch`.

    Raises:
        ValueError: A sample has other fields, or not exactly one label.
        RuntimeError: The images differ in shape.

    Examples:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> from mmqcs.datasets import collate_faces
        >>> image = torch.zeros(3, 48, 48, dtype=torch.uint8)
        >>> items = [
        ...     dict(inputs=image, data_samples=DataSample().set_gt_label(label))
        ...     for label in (3, 5)
        ... ]
        >>> batch = collate_faces(items)
        >>> batch['inputs'].shape, batch['data_samples'].labels
        (torch.Size([2, 3, 48, 48]), tensor([3, 5]))
    """
    samples = [item['data_samples'] for item in items]
    fields = {'gt_label', *samples[0].keys()}
    for i, sample in enumerate(samples):
        own = set(sample.keys())
        if other := own - {'gt_label', 'gt_score'}:
            raise ValueError(
                f'collate_faces takes gt_label and gt_score only, but data sample {i} '
                f'of the batch has {", ".join(sorted(other))}. {_ADVICE}'
            )
        if own != fields:
            raise ValueError(
                f'data sample {i} of the batch lacks '
                f'{", ".join(sorted(own ^ fields))}, which others have or training '
                f'needs. {_ADVICE}'
            )
        if sample.gt_label.shape != (1,):
            raise ValueError(
                f'data sample {i} of the batch has {sample.gt_label.numel()} labels '
                f'instead of one. {_ADVICE}'
            )
    labels = torch.cat([sample.gt_label for sample in samples])
    scores = None
    if 'gt_score' in fields:
        scores = torch.stack([sample.gt_score for sample in samples])
    # torch's default_collate stacks in shared memory if a worker calls it
    images = default_collate([item['inputs'] for item in items])
    return {'inputs': images, 'data_samples': LabelBatch(labels, scores)}
