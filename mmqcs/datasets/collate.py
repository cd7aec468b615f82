"""Joins labelled images into a batch of few tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from mmqcs.registry import FUNCTIONS
from mmqcs.structures import LabelBatch

__all__ = ['collate_faces']


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
        ValueError: A sample has other fields, or not exactly one label. Names them.
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
    scored = 'gt_score' in samples[0]
    expected = {'gt_label', 'gt_score'} if scored else {'gt_label'}
    for i, sample in enumerate(samples):
        if {*sample.keys()} != expected or sample.gt_label.shape != (1,):
            found = sorted(
                f'{k} {list(getattr(v, "shape", ()))}' for k, v in sample.items()
            )
            raise ValueError(
                f'collate_faces takes one gt_label per image, and a gt_score for all '
                f'images or none, but data sample {i} of the batch has '
                f'{", ".join(found) or "neither"}. Set '
                f"collate_fn=dict(type='default_collate') in the data loader"
            )
    labels = torch.cat([sample.gt_label for sample in samples])
    scores = None
    if scored:
        scores = torch.stack([sample.gt_score for sample in samples])
    # torch's default_collate stacks in shared memory if a worker calls it
    images = default_collate([item['inputs'] for item in items])
    # Copied here, in the worker, so that nobody has to read a tensor back.
    host_labels = np.concatenate([sample.gt_label.numpy() for sample in samples])
    return {'inputs': images, 'data_samples': LabelBatch(labels, scores, host_labels)}
