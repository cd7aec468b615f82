"""Head on the bilinear pooling of base and refined tokens."""

import torch.nn as nn
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.functional import bilinear_pool
from mmqcs.registry import MODELS


@MODELS.register_module()
class BilinearFusionHead(BaseModule):
    """Classifies the bilinear pooling of two token sets; not used in the recipes.

    The linear layer has C² inputs: 4.1 million weights for C = 768 and seven classes.

    Args:
        num_classes: Number of classes.
        in_channels: Channels C of a token.
        init_cfg: Defaults to truncated normal 0.01 and zero bias.

    Examples:
        >>> import torch
        >>> head = BilinearFusionHead(num_classes=7, in_channels=16)
        >>> head(torch.rand(2, 49, 16), torch.rand(2, 49, 16)).shape
        torch.Size([2, 7])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 768,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            init_cfg or dict(type='TruncNormal', layer='Linear', std=0.01, bias=0)
        )
        self.fc = nn.Linear(in_channels**2, num_classes)

    def forward(self, base: Tensor, refined: Tensor) -> Tensor:
        """Classify two sets of patch tokens, (B, N, C): logits (B, num_classes)."""
        return self.fc(bilinear_pool(base, refined))
