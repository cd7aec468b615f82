"""Image classifier that can be compiled, replayed and shown mirror images."""

from typing import Any, NamedTuple

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from mmqcs.models.compilation import InferenceGraph, TrainingGraph, compile_blocks
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch


class _Compilation(NamedTuple):
    blocks: bool = False
    graphs: bool = False


@MODELS.register_module()
class FERClassifier(ImageClassifier):
    """mmpretrain's ``ImageClassifier`` with options for speed and accuracy.

    Args:
        channels_last: Whether images, feature maps and convolution weights use the
            channels-last memory format, which is faster on CPUs and in half precision.
            Results only change by rounding.
        compile: Whether to compile the blocks of the network with ``torch.compile``
            and, on GPUs, to replay each pass as a CUDA graph. It pays off in training
            runs of more than a few minutes. Results only change by rounding.
            ``dict(blocks=..., graphs=...)`` switches on one of them; graphs alone do
            not change results.
        mirror: Whether the logits of an image are the mean of its own and those of its
            mirror image, outside of training. Takes twice the time.
        **kwargs: Arguments of mmpretrain's ``ImageClassifier``.

    Raises:
        TypeError: If ``compile`` has an unknown option.

    Examples:
        >>> from mmengine.config import Config
        >>> from mmqcs.registry import MODELS
        >>> config = Config.fromfile('configs/mix/ir-small_fer2013.py')
        >>> model = MODELS.build(config.model).eval()
        >>> model.predict(torch.rand(1, 3, 48, 48))[0].pred_score.shape
        torch.Size([7])
    """

    def __init__(
        self,
        channels_last: bool = True,
        compile: bool | dict = False,
        mirror: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last
        self.mirror = mirror
        if channels_last:
            self.to(memory_format=torch.channels_last)
        if isinstance(compile, bool):
            compile = dict(blocks=compile, graphs=compile)
        self._compiles, graphs = _Compilation(**compile)
        self._compile_parts()
        self._training_graph = TrainingGraph() if graphs else None
        self._inference_graph = InferenceGraph() if graphs else None

    def _compile_parts(self) -> None:
        """Compile the existing parts; subclasses that add parts call it again."""
        if self._compiles:
            compile_blocks(self)

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """See mmpretrain's ``ImageClassifier``."""
        if self.channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        if mode == 'tensor' and self.mirror and not self.training:
            return self._mirrored_logits(inputs)
        return super().forward(inputs, data_samples, mode)

    def predict(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        **kwargs: Any,
    ) -> list[DataSample]:
        """See mmpretrain's ``ImageClassifier``."""
        if not self.mirror:
            return super().predict(inputs, data_samples, **kwargs)
        return self.head._get_predictions(self._mirrored_logits(inputs), data_samples)

    def _mirrored_logits(self, inputs: Tensor) -> Tensor:
        # one batch, so that a CUDA graph is replayed once
        feats = self.extract_feat(torch.cat([inputs, inputs.flip(-1)]))
        return self.head(feats).unflatten(0, (2, -1)).mean(dim=0)

    def extract_feat(self, inputs: Tensor, stage: str = 'neck') -> tuple[Tensor, ...]:
        """See mmpretrain's ``ImageClassifier``."""
        graph = self._inference_graph
        idle = not (self.training or torch.is_grad_enabled())
        if graph and idle and stage == 'neck' and inputs.is_cuda:
            return graph(self, super().extract_feat, inputs)
        return super().extract_feat(inputs, stage)

    def loss(
        self, inputs: Tensor, data_samples: list[DataSample] | LabelBatch
    ) -> dict[str, Tensor]:
        """Compute losses and values for the log, by name.

        Args:
            inputs: Images, (B, 3, H, W).
            data_samples: Their labels, one per image. Soft labels (``gt_score``) take
                precedence.
        """
        batch = LabelBatch.from_samples(data_samples).to(inputs.device)
        if self._training_graph is None:
            return self._pass(inputs, batch.labels, batch.scores)
        return self._training_graph(
            self, self._pass, inputs, batch.labels, batch.scores
        )

    def _pass(
        self, inputs: Tensor, labels: Tensor, scores: Tensor | None
    ) -> dict[str, Tensor]:
        """Compute the losses from tensors only, so that they can be recorded."""
        return self.head.loss(self.extract_feat(inputs), LabelBatch(labels, scores))
