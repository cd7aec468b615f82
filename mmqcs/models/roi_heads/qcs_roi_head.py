"""Expression detection by QCS among the regions of a batch."""

from typing import Any

import numpy as np
import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.dist import get_rank
from torch import Tensor

from mmqcs.functional import draw_groups
from mmqcs.registry import MODELS


class QCSRoIHead(StandardRoIHead):
    """``StandardRoIHead`` with a cross branch in training.

    The features of a region, 7×7 by default, are 49 tokens. In training the positive
    regions of the batch form groups (similar regions show different faces of a class),
    which the cross branch refines and classifies. The gradient of its loss flows
    through the region features into the network (QCS, Section 3.3). Regions without a
    partner are left out. Inference is that of ``StandardRoIHead``.

    Args:
        cross: Config of the ``mmqcs.CrossBranch``. Its encoder takes as many tokens as
            a region has cells, and its head has the classes of the ``bbox_head``.
            ``loss_weight`` of the head's loss is the weight of the added loss.
        max_groups: Largest number of groups per batch.
        seed: Seed of the groups. Their generator is keyed by (seed, rank) and starts
            again when a run is resumed.
        **kwargs: Arguments of ``StandardRoIHead``.

    Raises:
        ValueError: If ``max_groups`` is below 1, or the distance range of the cross
            branch is ``'world'``, since a rank may have no group.
    """

    def __init__(
        self, cross: dict, max_groups: int = 64, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_groups < 1:
            raise ValueError(f'max_groups must be ≥ 1, got {max_groups}')
        if cross['attention'].get('distance_range') == 'world':
            raise ValueError(
                "distance_range='world' waits for every rank, and a rank may have "
                "no group among its regions: use 'batch' or 'sample'"
            )
        self.cross = MODELS.build(cross)
        self.max_groups = max_groups
        self._rng = np.random.default_rng((seed, get_rank()))

    def bbox_loss(
        self, x: tuple[Tensor, ...], sampling_results: list[SamplingResult]
    ) -> dict:
        """Add ``loss_cross`` and ``num_groups`` to the losses of the regions.

        Args:
            x: Feature maps, (images, C, H, W) per level.
            sampling_results: The sampled regions of each image.
        """
        results = super().bbox_loss(x, sampling_results)
        results['loss_bbox'].update(
            self.cross_loss(results['bbox_feats'], sampling_results)
        )
        return results

    def cross_loss(
        self, bbox_feats: Tensor, sampling_results: list[SamplingResult]
    ) -> dict[str, Tensor]:
        """Compute the loss of the groups among the positive regions.

        Args:
            bbox_feats: Features of all sampled regions, (R, C, H, W), image by image
                with the positive regions first.
            sampling_results: The sampled regions of each image.

        Returns:
            ``loss_cross``, a scalar that is 0 without groups, and ``num_groups``.
        """
        positive, labels, objects = [], [], []
        start = first_object = 0
        for result in sampling_results:
            count = len(result.pos_priors)
            positive.append(np.arange(start, start + count))
            labels.append(result.pos_gt_labels.cpu().numpy())
            objects.append(first_object + result.pos_assigned_gt_inds.cpu().numpy())
            start += len(result.priors)
            first_object += result.num_gts
        groups = draw_groups(
            np.concatenate(labels),
            self.cross.ring,
            self._rng,
            objects=np.concatenate(objects),
            max_groups=self.max_groups,
        )
        num_groups = bbox_feats.new_tensor(float(groups.shape[1]))
        if not groups.size:
            # Data parallelism needs a gradient of every parameter.
            nothing = bbox_feats.sum() + sum(p.sum() for p in self.cross.parameters())
            return {'loss_cross': 0 * nothing, 'num_groups': num_groups}
        # Branch-major: each row is a branch.
        members = np.concatenate(positive)[groups.ravel()]
        target = np.concatenate(labels)[groups.ravel()]
        feats = bbox_feats[torch.from_numpy(members).to(bbox_feats.device)]
        tokens = feats.flatten(2).transpose(1, 2)
        logits = self.cross.classify(tokens).logits
        target = torch.from_numpy(target).to(logits.device)
        loss = self.cross.criterion(logits, target, avg_factor=len(logits))
        return {'loss_cross': loss, 'num_groups': num_groups}
