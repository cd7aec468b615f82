"""The classification head of QCS."""

from collections.abc import Sequence
from typing import Any

import torch.nn as nn
from mmpretrain.models.heads import ClsHead
from torch import Tensor

from mmqcs.registry import MODELS


@MODELS.register_module()
class GatedClsHead(ClsHead):
    """Gates the class token by itself, then classifies it linearly.

    ``c ← c · sigmoid(W₂ relu(W₁ c))``, then ``Linear(C, num_classes)``.

    Args:
        num_classes: Number of classes.
        in_channels: Channels C of the class token.
        init_cfg: Defaults to truncated normal 0.01 and zero bias.
        **kwargs: ``loss``, ``topk`` and ``cal_acc`` of mmpretrain's ``ClsHead``.

    Raises:
        ValueError: If there are fewer than two classes.

    Examples:
        >>> import torch
        >>> head = GatedClsHead(num_classes=7, in_channels=64)
        >>> tokens = torch.rand(2, 148, 64)  # the first is the class token
        >>> head((tokens,)).shape
        torch.Size([2, 7])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 768,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: Any,
    ) -> None:
        if num_classes < 2:
            raise ValueError(f'num_classes must be ≥ 2, got {num_classes}')
        init_cfg = init_cfg or dict(
            type='TruncNormal', layer='Linear', std=0.01, bias=0
        )
        super().__init__(init_cfg=init_cfg, **kwargs)
        self.num_classes = num_classes
        self.gate = nn.Sequential(
            nn.Linear(in_channels, in_channels),
            nn.ReLU(),
            nn.Linear(in_channels, in_channels),
            nn.Sigmoid(),
        )
        self.fc = nn.Linear(in_channels, num_classes)

    def pre_logits(self, feats: Sequence[Tensor]) -> Tensor:
        """Return the gated class token, (B, C).

        Args:
            feats: A tuple whose last item has tokens with the class token first,
                (B, 1 + N, C). A map (B, C, H, W), which is averaged, or pooled features
                (B, C) can take the place of the class token.
        """
        x = feats[-1]
        if x.ndim == 3:
            x = x[:, 0]
        elif x.ndim == 4:
            x = x.mean(dim=(2, 3))
        return x * self.gate(x)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Return logits (B, num_classes) for the input of :meth:`pre_logits`."""
        return self.fc(self.pre_logits(feats))
