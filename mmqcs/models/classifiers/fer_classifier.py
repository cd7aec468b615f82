"""An image classifier that can be compiled and replayed."""

from typing import Any

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from mmqcs.models.compilation import InferenceGraph, TrainingGraph, compile_blocks
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch


@MODELS.register_module()
class FERClassifier(ImageClassifier):
    """mmpretrain's ``ImageClassifier`` with options for speed.

    Args:
        channels_last: Whether images, feature maps and convolution weights use the
            channels-last memory format. It is faster on CPUs and in half precision,
            and changes results by rounding only.
        compile: Whether to compile. It pays off in trainings of more than a few
            minutes, on GPUs above all, and changes results by rounding only. True
            compiles the blocks of the network by ``torch.compile`` and, on GPUs,
            replays each pass as a CUDA graph. ``dict(blocks=..., graphs=...)``
            switches on one of them; graphs alone change no result at all.
        **kwargs: Arguments of mmpretrain's ``ImageClassifier``.

    Raises:
        ValueError: If ``compile`` has an unknown option.

    Examples:
        >>> from mmengine.config import Config
        >>> from mmqcs.registry import MODELS
        >>> config = Config.fromfile('configs/mix/ir-small_fer2013.py')
        >>> model = MODELS.build(config.model).eval()
        >>> model.predict(torch.rand(1, 3, 48, 48))[0].pred_score.shape
        torch.Size([7])
    """

    def __init__(
        self, channels_last: bool = True, compile: bool | dict = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last
        if channels_last:
            self.to(memory_format=torch.channels_last)
        self._compiles, graphs = _compilation(compile)
        self._compile_parts()
        self._training_graph = TrainingGraph() if graphs else None
        self._inference_graph = InferenceGraph() if graphs else None

    def _compile_parts(self) -> None:
        """Compiles the parts that exist by now; subclasses that add some repeat it."""
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
        return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor, stage: str = 'neck') -> tuple[Tensor, ...]:
        """See mmpretrain's ``ImageClassifier``."""
        graph = self._inference_graph
        if (
            graph is None
            or stage != 'neck'
            or not inputs.is_cuda
            or self.training
            or torch.is_grad_enabled()
        ):
            return super().extract_feat(inputs, stage)
        return graph(self, super().extract_feat, inputs)

    def loss(
        self, inputs: Tensor, data_samples: list[DataSample] | LabelBatch
    ) -> dict[str, Tensor]:
        """Computes the losses of a batch.

        Args:
            inputs: Images, (B, 3, H, W).
            data_samples: Their labels, one per image. Soft labels (``gt_score``) take
                precedence.

        Returns:
            Losses, and values for the log, by name.
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
        """Computes the losses from tensors alone, so that they can be recorded."""
        return self.head.loss(self.extract_feat(inputs), LabelBatch(labels, scores))


def _compilation(options: bool | dict) -> tuple[bool, bool]:
    if isinstance(options, bool):
        return options, options
    if unknown := set(options) - {'blocks', 'graphs'}:
        raise ValueError(
            f'compile must be True, False or dict(blocks=..., graphs=...), got '
            f'{sorted(unknown)} in it'
        )
    return options.get('blocks', False), options.get('graphs', False)
