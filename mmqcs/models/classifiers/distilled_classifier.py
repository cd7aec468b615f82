"""Classifier that also learns from another one."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mmqcs.models.compilation import compile_blocks
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch

from .fer_classifier import FERClassifier


@MODELS.register_module()
class DistilledClassifier(FERClassifier):
    """Student that learns from its labels and from a teacher.

    The student is the classifier itself; the teacher is used in training only. A frozen
    teacher gets its weights from its own ``init_cfg`` and is not part of checkpoints. A
    trained one learns from the labels in the same iterations, and the student follows
    what it predicts for the same augmented images (deep mutual learning, Zhang et al.,
    CVPR 2018, in one direction). It is in checkpoints, so that a run can be resumed,
    and ``tools/model_converters/publish_model.py`` drops it.

    Args:
        backbone: Config of the student's backbone.
        teacher: Config of the teacher, an ``ImageClassifier`` for the same classes
            and the same input as the student.
        logits_loss: Config of a loss of both logits, (B, K), such as
            ``mmqcs.KLDistillLoss``.
        feature_loss: Config of a loss of both inputs of the last layer, (B, C), such as
            ``mmqcs.EuclideanDistillLoss``; the widths must agree.
        train_teacher: Whether the teacher is trained as well.
        **kwargs: Further arguments of :class:`FERClassifier`.

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
        train_teacher: bool = False,
        **kwargs: Any,
    ) -> None:
        if logits_loss is None and feature_loss is None:
            raise ValueError('give logits_loss, feature_loss or both')
        super().__init__(backbone=backbone, **kwargs)
        self.teacher = MODELS.build(teacher)
        self.train_teacher = train_teacher
        self.logits_loss = MODELS.build(logits_loss) if logits_loss else None
        self.feature_loss = MODELS.build(feature_loss) if feature_loss else None
        if self._compiles:
            compile_blocks(self.teacher)
        if not train_teacher:
            self.teacher.requires_grad_(False).eval()
            self._register_state_dict_hook(_leave_out_teacher)
            self.register_load_state_dict_post_hook(_do_not_miss_teacher)

    def train(self, mode: bool = True) -> 'DistilledClassifier':
        """Set the mode; a frozen teacher stays in evaluation mode."""
        super().train(mode)
        if not self.train_teacher:
            self.teacher.eval()
        return self

    def _pass(
        self, inputs: Tensor, labels: Tensor, scores: Tensor | None
    ) -> dict[str, Tensor]:
        batch = LabelBatch(labels, scores)
        feats = self.extract_feat(inputs)
        losses = self.head.loss(feats, batch)
        with nullcontext() if self.train_teacher else torch.no_grad():
            known = self.teacher.extract_feat(inputs)
        if self.train_teacher:
            losses['loss_teacher'] = self.teacher.head.loss(known, batch)['loss']
        if self.logits_loss:
            with torch.no_grad():
                target = self.teacher.head(known)
            losses['loss_logits'] = self.logits_loss(self.head(feats), target)
        if self.feature_loss:
            with torch.no_grad():
                target = self.teacher.head.pre_logits(known)
            hidden = self.head.pre_logits(feats)
            losses['loss_feature'] = self.feature_loss(hidden, target)
        return losses


def _leave_out_teacher(
    module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    for key in [k for k in state_dict if k.startswith(prefix + 'teacher.')]:
        del state_dict[key]


def _do_not_miss_teacher(module: nn.Module, incompatible: Any) -> None:
    missing = incompatible.missing_keys
    missing[:] = [key for key in missing if '.teacher.' not in f'.{key}']
