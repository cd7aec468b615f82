"""Classifier that also learns from another one."""

from typing import Any

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmqcs.registry import MODELS


@MODELS.register_module()
class DistilledClassifier(ImageClassifier):
    """Student that learns from its labels and from a frozen teacher.

    The student is the classifier itself. The teacher is used in training only, gets
    its weights from its own ``init_cfg``, and is not part of checkpoints.

    Args:
        backbone: Config of the student's backbone.
        teacher: Config of the teacher, an ``ImageClassifier`` for the same classes
            and the same input as the student.
        logits_loss: Config of a loss of both logits, (B, K), such as
            ``mmqcs.KLDistillLoss``.
        feature_loss: Config of a loss of both inputs of the last layer, (B, C), such as
            ``mmqcs.EuclideanDistillLoss``; the widths must agree.
        **kwargs: Further arguments of mmpretrain's ``ImageClassifier``.

    Raises:
        ValueError: If neither loss is given.

    Examples:
        >>> import torch
        >>> from mmengine.config import Config
        >>> from mmpretrain.structures import DataSample
        >>> from mmqcs.registry import MODELS
        >>> config = Config.fromfile('configs/mix/resnet18_distilled_raf.py')
        >>> model = MODELS.build(config.model)
        >>> samples = [DataSample().set_gt_label(label) for label in (3, 5)]
        >>> sorted(model.loss(torch.rand(2, 3, 64, 64), samples))
        ['loss', 'loss_feature', 'loss_logits']
        >>> any('teacher' in key for key in model.state_dict())
        False
    """

    def __init__(
        self,
        backbone: dict,
        teacher: dict,
        logits_loss: dict | None = None,
        feature_loss: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if logits_loss is None and feature_loss is None:
            raise ValueError('give logits_loss, feature_loss or both')
        super().__init__(backbone, **kwargs)
        self.teacher = MODELS.build(teacher).requires_grad_(False).eval()
        self.logits_loss = MODELS.build(logits_loss) if logits_loss else None
        self.feature_loss = MODELS.build(feature_loss) if feature_loss else None
        self._register_state_dict_hook(_leave_out_teacher)
        self.register_load_state_dict_post_hook(_do_not_miss_teacher)

    def train(self, mode: bool = True) -> 'DistilledClassifier':
        """Set the student's mode; the teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the losses of the head, ``loss_logits`` and ``loss_feature``.

        Args:
            inputs: Images, (B, 3, H, W).
            data_samples: Their labels.
        """
        feats = self.extract_feat(inputs)
        with torch.no_grad():
            known = self.teacher.extract_feat(inputs)
        losses = self.head.loss(feats, data_samples)
        if self.logits_loss:
            pair = self.head(feats), self.teacher.head(known)
            losses['loss_logits'] = self.logits_loss(*pair)
        if self.feature_loss:
            pair = self.head.pre_logits(feats), self.teacher.head.pre_logits(known)
            losses['loss_feature'] = self.feature_loss(*pair)
        return losses


def _leave_out_teacher(
    module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    for key in [k for k in state_dict if k.startswith(prefix + 'teacher.')]:
        del state_dict[key]


def _do_not_miss_teacher(module: nn.Module, incompatible: Any) -> None:
    missing = incompatible.missing_keys
    missing[:] = [key for key in missing if '.teacher.' not in f'.{key}']
