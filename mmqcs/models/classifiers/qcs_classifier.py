"""The QCS classifier: one plain branch at test time, groups in training."""

from contextlib import nullcontext
from typing import Any

import torch
import torch.nn as nn
from mmpretrain.models import ImageClassifier
from mmpretrain.models.heads import MultiLabelClsHead
from mmpretrain.structures import DataSample
from torch import Tensor

from mmqcs.functional import Ring, branch_cross_entropy
from mmqcs.models.branch_norm import (
    branch_statistics,
    convert_branch_norm,
    needs_passes,
)
from mmqcs.models.fast_mode import FastMode, compile_blocks
from mmqcs.models.necks import TokenPyramidNeck
from mmqcs.registry import MODELS

from .probe import probe_backbone


@MODELS.register_module()
class QCSClassifier(ImageClassifier):
    """Classifier trained by quadruplet (QCS) or dual (DCS) cross similarity.

    Backbone, neck and head are the whole inference path, so every tool for an
    ``ImageClassifier`` works. In training a batch holds groups of images in
    branch-major order; they share this path, and the cross branch compares them.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, whose output ends with tokens (B, 1 + N, C),
            such as ``mmqcs.TokenPyramidNeck``. Where its ``in_channels`` and
            ``strides`` are missing they are read off the backbone. None if the
            backbone gives such tokens itself.
        head: Config of the head; its ``loss`` is the loss of the base logits.
        cross: Config of the train-only part, such as ``mmqcs.CrossBranch``.
        group_loss: Config of the loss. Defaults to ``mmqcs.GroupLoss``.
        statistics: Over what BatchNorm takes its statistics in training.
            ``'branch'``: over one branch of the groups, updating the running
            statistics once a branch, as published; all branches still go through
            in one pass, but for networks with ``SyncBatchNorm``, which take a
            pass each. ``'joint'``: over all images, which gives other numbers.
        channels_last: Whether to keep images, maps and the weights of convs with
            the channels last in memory, which is faster on CPUs and in half
            precision, and the same but for rounding.
        fast: True for compiled blocks and, where the device has matrix units for
            it, bfloat16, in training and at test time: not exact, but several times
            faster with such units; or arguments of
            :class:`mmqcs.models.fast_mode.FastMode`.
        input_size: Side of the image with which a backbone is probed for missing
            ``in_channels``.
        **kwargs: Further arguments of mmpretrain's ``ImageClassifier``.

    Raises:
        ValueError: In the constructor: unknown ``statistics``, or batch augments,
            which would mix the classes of a group. In training: the labels of a
            group are not those of its ring.

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
        backbone: dict,
        neck: dict | None,
        head: dict,
        cross: dict,
        group_loss: dict | None = None,
        statistics: str = 'branch',
        channels_last: bool = True,
        fast: bool | dict = False,
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
                'classes, so the groups would no longer hold two images a class. '
                'Remove train_cfg'
            )
        if not isinstance(backbone, nn.Module):
            backbone = MODELS.build(backbone)
        if _is_pyramid(neck) and not neck.get('in_channels'):
            channels, strides = probe_backbone(backbone, input_size)
            neck = dict(neck, in_channels=channels, strides=strides)
        super().__init__(backbone, neck, head, **kwargs)
        self.cross = MODELS.build(cross)
        for name, part in (('head', self.head), ('cross.head', self.cross.head)):
            if isinstance(part, MultiLabelClsHead):
                raise ValueError(
                    f'{name} is a {type(part).__name__}, which takes several labels '
                    f'per image, but the faces of a group have one expression each. '
                    f'Choose a head for one label, such as LinearClsHead'
                )
        self.group_loss = MODELS.build(group_loss or dict(type='mmqcs.GroupLoss'))
        self.statistics = statistics
        if statistics == 'branch':
            convert_branch_norm(self)
        self.channels_last = channels_last
        if channels_last:
            self.to(memory_format=torch.channels_last)
        self.fast = None
        if fast:
            self.fast = FastMode() if fast is True else FastMode(**fast)
            if self.fast.compile:
                compile_blocks(self)

    @property
    def ring(self) -> Ring:
        """The ring of a group, that of the cross branch's attention."""
        return self.cross.attention.ring

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """See mmpretrain's ``ImageClassifier``; in the layout and mode chosen."""
        if self.channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self.fast.autocast(inputs.device) if self.fast else nullcontext():
            return super().forward(inputs, data_samples, mode)

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Computes the losses of a batch of groups.

        Args:
            inputs: Images in branch-major order, (G·B, 3, H, W).
            data_samples: Their labels; soft labels (``gt_score``) are used where
                they are present, but the groups are checked by ``gt_label``.

        Returns:
            The losses of :class:`GroupLoss`, and for the log, without a gradient:
            ``accuracy_base`` and ``accuracy_cross`` in percent; the cross-entropy of
            each image of the group, unweighted, as ``ce_base/anchor`` and so on; and
            ``theta/level_1`` and so on, the balance that each level of the attention
            has learnt.
        """
        self._check_groups(data_samples)
        feats = self._extract_groups(inputs)
        tokens = feats[-1]
        logits = self.head(feats)
        cross = self.cross(tokens)
        target = self._targets(data_samples, logits.device)
        losses = self.group_loss(
            tokens[:, 0],
            logits,
            cross,
            target,
            self.head.loss_module,
            self.cross.head.loss_module,
        )
        labels = torch.cat([sample.gt_label for sample in data_samples])
        for name, scores in (('base', logits), ('cross', cross.logits)):
            correct = scores.argmax(dim=1) == labels.to(scores.device)
            losses[f'accuracy_{name}'] = 100 * correct.float().mean()
            terms = branch_cross_entropy(scores, target, self.ring.size)
            for branch, term in zip(self.ring.branches, terms, strict=True):
                losses[f'ce_{name}/{branch}'] = term
        # another attention than CSANeck may learn no balance
        thetas = getattr(self.cross.attention, 'thetas', ())
        for number, theta in enumerate(thetas, start=1):
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

    def _check_groups(self, data_samples: list[DataSample]) -> None:
        size = self.ring.size
        if not data_samples or len(data_samples) % size:
            problem = f'{len(data_samples)} images'
        else:
            labels = torch.cat([sample.gt_label for sample in data_samples])
            problem = self.ring.violation(labels.view(size, -1).tolist())
        if problem:
            raise ValueError(
                f'QCSClassifier got a batch that is not made of groups of {size} in '
                f'branch order: {problem}. In the train_dataloader set '
                f"batch_sampler=dict(type='{self.ring.sampler}')"
            )

    @staticmethod
    def _targets(data_samples: list[DataSample], device: torch.device) -> Tensor:
        if 'gt_score' in data_samples[0]:
            return torch.stack([s.gt_score for s in data_samples]).to(device)
        return torch.cat([s.gt_label for s in data_samples]).to(device)


def _is_pyramid(neck: dict | nn.Module | None) -> bool:
    return isinstance(neck, dict) and MODELS.get(neck['type']) is TokenPyramidNeck
