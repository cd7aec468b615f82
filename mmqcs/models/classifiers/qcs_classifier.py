"""Classifier trained on groups of images."""

from typing import Any, TypeGuard

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from mmpretrain.models.heads import MultiLabelClsHead
from mmpretrain.structures import DataSample
from torch import Tensor

from mmqcs.functional import Ring, confusion_sums
from mmqcs.models.branch_norm import (
    branch_statistics,
    convert_branch_norm,
    needs_passes,
)
from mmqcs.models.necks.token_pyramid_neck import TokenPyramidNeck, probe_backbone
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch

from .fer_classifier import FERClassifier


@MODELS.register_module()
class QCSClassifier(FERClassifier):
    """Classifier trained by quadruplet (QCS) or dual (DCS) cross similarity.

    Backbone, neck and head are the whole inference path, so every tool for an
    ``ImageClassifier`` works. In training a batch contains groups of images in
    branch-major order, and the cross branch compares the images of a group.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, such as ``mmqcs.TokenPyramidNeck``; its output must
            end with tokens (B, 1 + N, C). If ``in_channels`` and ``strides`` are
            missing, they are taken from the backbone. None if the backbone returns
            such tokens itself.
        head: Config of the head; its ``loss`` is applied to the base logits.
        cross: Config of the train-only part, such as ``mmqcs.CrossBranch``.
        group_loss: Config of the loss, by default of ``mmqcs.GroupLoss``.
        statistics: Images over which BatchNorm computes its statistics in training.
            ``'branch'``: each branch of the groups, as published. All branches share
            one forward pass, except with norms such as ``SyncBatchNorm``.
            ``'joint'``: all images together, which gives different results.
        input_size: Side length of the image with which a backbone is probed for
            missing ``in_channels``.
        **kwargs: Arguments of :class:`FERClassifier`, such as ``compile``, and of
            mmpretrain's ``ImageClassifier``.

    Raises:
        ValueError: In the constructor, if ``statistics`` is unknown, a head takes
            several labels per image, or batch augments are set, which would mix the
            classes of a group. In training, if the labels do not form groups.

    Examples:
        >>> import torch
        >>> from mmengine.config import Config
        >>> from mmpretrain.structures import DataSample
        >>> from mmqcs.registry import MODELS
        >>> config = Config.fromfile('configs/qcs/qcs_ir-small_synthfer.py')
        >>> model = MODELS.build(config.model)
        >>> labels = [3, 5, 3, 5, 0, 1, 0, 1]  # 2 anchors, 2 positives, 2 + 2 negatives
        >>> samples = [DataSample().set_gt_label(label) for label in labels]
        >>> losses = model.loss(torch.rand(8, 3, 64, 64), samples)
        >>> sorted(name for name in losses if 'loss' in name)  # others are for curves
        ['loss_base', 'loss_cross']
        >>> model.eval().predict(torch.rand(1, 3, 64, 64))[0].pred_score.shape
        torch.Size([7])
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        neck: dict | None,
        head: dict,
        cross: dict,
        group_loss: dict | None = None,
        statistics: str = 'branch',
        input_size: int = 224,
        **kwargs: Any,
    ) -> None:
        if statistics not in ('branch', 'joint'):
            raise ValueError(
                f"statistics must be 'branch' or 'joint', got {statistics!r}"
            )
        if kwargs.get('train_cfg'):
            raise ValueError(
                'batch augments (train_cfg) such as Mixup blend images of different '
                'classes, so that groups lose their classes. Remove train_cfg'
            )
        net = backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        if _is_pyramid(neck) and not neck.get('in_channels'):
            channels, strides = probe_backbone(net, input_size)
            neck = dict(neck, in_channels=channels, strides=strides)
        super().__init__(backbone=net, neck=neck, head=head, **kwargs)
        self.cross = MODELS.build(cross)
        self._compile_parts()
        for name, part in (('head', self.head), ('cross.head', self.cross.head)):
            if isinstance(part, MultiLabelClsHead):
                raise ValueError(
                    f'{name} is a {type(part).__name__}, which takes several labels '
                    f'per image, but the faces of a group have one expression each. '
                    f'Choose a head for one label, such as LinearClsHead'
                )
        loss = {'type': 'mmqcs.GroupLoss', **(group_loss or {})}
        self.group_loss = MODELS.build(loss)
        self.statistics = statistics
        self._confusion: Tensor | None = None
        if statistics == 'branch':
            convert_branch_norm(self)

    @property
    def ring(self) -> Ring:
        """Edges of the groups that the cross branch compares."""
        return self.cross.ring

    def watch_confusion(self) -> Tensor:
        """Have each training pass write the confusion of its anchors from now on.

        Returns:
            The tensor (K, K) into which each pass writes :func:`.confusion_sums` of the
            base logits of its anchors. It is not part of the state of the model.
        """
        if self._confusion is None:
            classes = self.head.num_classes
            device = next(self.parameters()).device
            self._confusion = torch.zeros(classes, classes, device=device)
        return self._confusion

    def loss(
        self, inputs: Tensor, data_samples: list[DataSample] | LabelBatch
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch of groups.

        Args:
            inputs: Images in branch-major order, (G·B, 3, H, W).
            data_samples: Their labels. Soft labels (``gt_score``) take precedence in
                the losses; the groups are checked by ``gt_label``.

        Returns:
            The losses of :class:`GroupLoss`, and for the log, without gradient:
            ``accuracy_base`` and ``accuracy_cross`` in percent, the unweighted
            cross-entropy of each branch (``ce_base/anchor``, …) and the learnt balance
            of each level (``theta/level_1``, …).
        """
        batch = LabelBatch.from_samples(data_samples)
        self._check_groups(batch.host_labels)
        return super().loss(inputs, batch)

    def _pass(
        self, inputs: Tensor, labels: Tensor, scores: Tensor | None
    ) -> dict[str, Tensor]:
        feats = self._extract_groups(inputs)
        tokens = feats[-1]
        logits = self.head(feats)
        cross = self.cross(tokens)
        target = labels if scores is None else scores
        losses = self.group_loss(
            tokens[:, 0],
            logits,
            cross,
            target,
            self.head.loss_module,
            self.cross.criterion,
        )
        if self._confusion is not None:
            anchors = logits.detach().chunk(self.ring.size)[0]
            # into the same memory, because a CUDA graph replays the addresses
            self._confusion.copy_(confusion_sums(anchors, labels[: len(anchors)]))
        both = torch.stack([x.detach().float() for x in (logits, cross.logits)])
        losses.update(group_curves(both, labels, target, self.ring))
        for number, theta in enumerate(self.cross.thetas, start=1):
            losses[f'theta/level_{number}'] = theta.detach()
        return losses

    def _extract_groups(self, inputs: Tensor) -> tuple[Tensor, ...]:
        if self.statistics == 'joint':
            return self.extract_feat(inputs)
        if not needs_passes(self):
            with branch_statistics(self, self.ring.size):
                return self.extract_feat(inputs)
        branches = [self.extract_feat(x) for x in inputs.chunk(self.ring.size)]
        return tuple(torch.cat(level) for level in zip(*branches, strict=True))

    def _check_groups(self, labels: np.ndarray) -> None:
        size = self.ring.size
        if not len(labels) or len(labels) % size:
            problem: str | None = f'{len(labels)} images'
        else:
            problem = self.ring.violation(labels.reshape(size, -1))
        if problem:
            raise ValueError(
                f'QCSClassifier got a batch that is not made of groups of {size} in '
                f'branch order: {problem}. In the train_dataloader set '
                f"batch_sampler=dict(type='{self.ring.sampler}')"
            )


def _is_pyramid(neck: dict | nn.Module | None) -> TypeGuard[dict]:
    return isinstance(neck, dict) and MODELS.get(neck['type']) is TokenPyramidNeck


def group_curves(
    logits: Tensor, labels: Tensor, target: Tensor, ring: Ring
) -> dict[str, Tensor]:
    """Compute the accuracy of each head, and its cross-entropy for each branch.

    Args:
        logits: Logits of the base and the cross head, (2, G·B, K).
        labels: Labels (G·B,).
        target: Labels (G·B,) or distributions (G·B, K), without smoothing or weights.
        ring: The images of a group.

    Returns:
        Scalars: ``accuracy_HEAD`` in percent, and ``ce_HEAD/BRANCH``.
    """
    # Both heads at once, because small operations cost as much as large ones.
    correct = (logits.argmax(dim=-1) == labels).float().mean(dim=1) * 100
    copies = target.repeat((2,) + (1,) * (target.ndim - 1))
    if copies.is_floating_point():
        copies = copies.to(logits.dtype)
    each = F.cross_entropy(logits.flatten(0, 1), copies, reduction='none')
    terms = each.view(2, ring.size, -1).mean(dim=2)
    curves = {}
    for head, accuracy, row in zip(('base', 'cross'), correct, terms, strict=True):
        curves[f'accuracy_{head}'] = accuracy
        for branch, term in zip(ring.branches, row, strict=True):
            curves[f'ce_{head}/{branch}'] = term
    return curves
