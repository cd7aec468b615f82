"""Normalisation and random erasing of a batch, on its device."""

from typing import Any

import torch
from mmengine.dist import get_rank
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor
from torchvision.transforms import RandomErasing

from mmqcs.registry import MODELS


@MODELS.register_module()
class FERDataPreprocessor(ClsDataPreprocessor):
    """mmpretrain's preprocessor, followed in training by random erasing.

    Erasing comes after normalisation, as in the published recipes, where the
    value 0 is the mean colour. Workers then send 8-bit images, and both passes
    of SAM see the same erased batch.

    Args:
        erasing: Arguments of torchvision's ``RandomErasing`` such as
            ``dict(p=0.5, scale=(0.02, 0.1), ratio=(0.3, 3.3))``; each image draws
            for itself. None switches erasing off.
        **kwargs: Arguments of mmpretrain's ``ClsDataPreprocessor``.
    """

    def __init__(self, erasing: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.erasing = None if erasing is None else RandomErasing(**erasing)
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
        # torchvision draws from the global generator. It is lent ours for the
        # moment, so that ranks with one seed do not erase the same boxes.
        if self._generator is None:
            seed = torch.initial_seed() + get_rank()
            self._generator = torch.Generator().manual_seed(seed % 2**63)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._generator.get_state())
            images = torch.stack([self.erasing(image) for image in images])
            self._generator.set_state(torch.get_rng_state())
        return images
