"""Normalisation and random erasing of a batch, on its device."""

from typing import Any, NamedTuple

import torch
from mmengine.dist import get_rank
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor

from mmqcs.functional.erasing import erase, erase_boxes
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch


class Erasing(NamedTuple):
    """Arguments of random erasing; see :class:`FERDataPreprocessor`."""

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0
    step: int = 1


@MODELS.register_module()
class FERDataPreprocessor(ClsDataPreprocessor):
    """MMPretrain's preprocessor, followed by random erasing in training.

    Erasing comes after normalisation, as in the published recipes, where the value 0
    is the mean colour. Batches of ``mmqcs.collate_faces`` are copied to the device in
    two asynchronous transfers. Those of MMEngine's collate functions give the same
    images.

    Args:
        erasing: ``p``, ``scale``, ``ratio`` and ``value`` (a number) as for
            torchvision's ``RandomErasing``, with its defaults. ``step`` places boxes
            on a grid that many times finer than the images, such as 2 for images that
            are every second pixel of the published ones. A box is drawn for each
            image. None switches erasing off.
        **kwargs: Arguments of MMPretrain's ``ClsDataPreprocessor``.

    Raises:
        TypeError: An argument of ``erasing`` is unknown.
        ValueError: A range of ``erasing`` is not ascending, ``p`` is not a
            probability, or ``step`` is less than 1.

    Examples:
        >>> import torch
        >>> from mmqcs.structures import LabelBatch
        >>> prepare = FERDataPreprocessor(
        ...     mean=[127.5] * 3, std=[127.5] * 3, erasing=dict(p=1.0, scale=(0.1, 0.2))
        ... )
        >>> data = dict(
        ...     inputs=torch.full((1, 3, 64, 64), 255, dtype=torch.uint8),
        ...     data_samples=LabelBatch(torch.tensor([3])),
        ... )
        >>> images = prepare(data, training=True)['inputs']
        >>> images.unique().tolist()  # 0, the mean colour, where a box was erased
        [0.0, 1.0]
    """

    def __init__(self, erasing: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.erasing = None if erasing is None else Erasing(**erasing)
        if e := self.erasing:
            ascending = all(0 < low <= high for low, high in (e.scale, e.ratio))
            if not (ascending and 0 <= e.p <= 1 and e.step >= 1):
                raise ValueError(
                    f'erasing needs 0 ≤ p ≤ 1, ascending ranges > 0 and step ≥ 1: {e}'
                )
        self._generator: torch.Generator | None = None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Collate, normalise and, in training, erase.

        Args:
            data: ``inputs`` and ``data_samples`` from the data loader.
            training: Whether to erase.

        Returns:
            The same keys. ``inputs`` is a float tensor (B, 3, H, W).
        """
        samples = data.get('data_samples')
        if isinstance(samples, LabelBatch) and not self.to_onehot:
            images = data['inputs'].to(self.device, non_blocking=True)
            data = super().forward({'inputs': images}, training)
            data['data_samples'] = samples.to(self.device, non_blocking=True)
        else:
            if isinstance(samples, LabelBatch):
                data = {**data, 'data_samples': list(samples)}
            data = super().forward(data, training)
        if training and (e := self.erasing):
            boxes = self._draw_boxes(data['inputs'], e)
            data['inputs'] = erase(data['inputs'], boxes, e.value, e.step)
        return data

    def _draw_boxes(self, images: Tensor, e: Erasing) -> Tensor:
        # On the device of the images: on the CPU, the few numbers of a batch would be
        # computed by all its threads, which then compete with the data loader.
        if self._generator is None or self._generator.device != images.device:
            # Ranks with the same seed must not erase the same boxes, so the global
            # generator does not serve.
            seed = torch.initial_seed() + get_rank()
            self._generator = torch.Generator(images.device)
            self._generator.manual_seed(seed % 2**63)
        count, _, height, width = images.shape
        grid = height * e.step, width * e.step
        return erase_boxes(count, *grid, e.p, e.scale, e.ratio, self._generator)
