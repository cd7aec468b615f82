"""Normalisation and random erasing of a batch, on its device."""

from typing import Any, NamedTuple

import torch
from mmengine.dist import get_rank
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor

from mmqcs.functional.erasing import box_mask, erase_boxes
from mmqcs.registry import MODELS


class Erasing(NamedTuple):
    """Arguments of random erasing; see :class:`FERDataPreprocessor`."""

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0
    step: int = 1


@MODELS.register_module()
class FERDataPreprocessor(ClsDataPreprocessor):
    """mmpretrain's preprocessor, followed in training by random erasing.

    Erasing comes after normalisation, as in the published recipes, where the
    value 0 is the mean colour. Workers then send 8-bit images, and both passes
    of SAM see the same erased batch.

    Args:
        erasing: ``p``, ``scale``, ``ratio`` and ``value`` (a number) as for
            torchvision's ``RandomErasing``, with its defaults; and ``step``, with
            which boxes are drawn on a grid that many times finer than the images:
            2 for images that are every second pixel of the published ones. Each
            image draws for itself. None switches erasing off.
        **kwargs: Arguments of mmpretrain's ``ClsDataPreprocessor``.

    Raises:
        TypeError: An unknown argument of erasing.
        ValueError: A range of it is not ascending, or p no probability.

    Examples:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> prepare = FERDataPreprocessor(
        ...     mean=[127.5] * 3, std=[127.5] * 3, erasing=dict(p=1.0, scale=(0.1, 0.2))
        ... )
        >>> data = dict(
        ...     inputs=[torch.full((3, 64, 64), 255, dtype=torch.uint8)],
        ...     data_samples=[DataSample().set_gt_label(3)],
        ... )
        >>> images = prepare(data, training=True)['inputs']
        >>> images.unique().tolist()  # 0, the mean colour, where a box was erased
        [0.0, 1.0]
    """

    def __init__(self, erasing: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.erasing = None if erasing is None else Erasing(**erasing)
        if self.erasing and not _valid(self.erasing):
            raise ValueError(
                f'erasing needs 0 ≤ p ≤ 1, ascending ranges > 0 and step ≥ 1: '
                f'{self.erasing}'
            )
        self._generator: torch.Generator | None = None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Collates, normalises and, in training, erases.

        Args:
            data: ``inputs`` and ``data_samples`` from the data loader.
            training: Whether to erase.

        Returns:
            The same keys, ``inputs`` being a float tensor (B, 3, H, W).
        """
        data = super().forward(data, training)
        if training and self.erasing is not None:
            data['inputs'] = self._erase(data['inputs'])
        return data

    def _erase(self, images: Tensor) -> Tensor:
        # A generator of our own, so that ranks with one seed do not erase the same
        # boxes.
        if self._generator is None:
            seed = torch.initial_seed() + get_rank()
            self._generator = torch.Generator().manual_seed(seed % 2**63)
        count, _, height, width = images.shape
        e = self.erasing
        grid = height * e.step, width * e.step
        boxes = erase_boxes(count, *grid, e.p, e.scale, e.ratio, self._generator)
        mask = box_mask(boxes.to(images.device), height, width, e.step)
        return images.masked_fill(mask, e.value)


def _valid(e: Erasing) -> bool:
    ascending = all(0 < low <= high for low, high in (e.scale, e.ratio))
    return ascending and 0 <= e.p <= 1 and e.step >= 1
