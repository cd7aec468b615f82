"""From feature maps of several sizes to tokens on one grid."""

import math
from collections.abc import Sequence

import torch
import torch.nn as nn
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.registry import MODELS


def level_convs(in_channels: int, channels: int, halvings: int) -> nn.Sequential:
    """Convs that bring one feature map to the grid and the token width.

    The first stride-2 conv keeps the channels, the second lifts them, further
    ones keep the token width; with fewer than two a 1×1 conv lifts them. For
    IR-50 (halvings 3, 2, 1) these are the levels of QCS.

    Args:
        in_channels: Channels of the map.
        channels: Token width.
        halvings: How often the side is halved, ≥ 0.
    """
    layers: list[nn.Module] = []
    width = in_channels
    for i in range(halvings):
        out = in_channels if i == 0 else channels
        layers.append(nn.Conv2d(width, out, 3, 2, 1))
        width = out
    if halvings < 2:
        layers.append(nn.Conv2d(width, channels, 1))
    return nn.Sequential(*layers)


@MODELS.register_module()
class TokenPyramidNeck(BaseModule):
    """Turns the stages of a backbone into one sequence of tokens.

    Each stage is a level. Its map is brought to a grid of side g by stride-2
    convs and read off as g² tokens; the levels are concatenated, finest first.
    With an encoder, tokens are then encoded: this is the neck of QCS.

    Args:
        in_channels: Channels of each stage, (64, 128, 256) for IR-50. None lets
            ``QCSClassifier`` fill them and the strides in from the backbone.
        strides: Stride of each stage with respect to the network input, powers
            of two, (2, 4, 8) for IR-50.
        grid_stride: Stride of the grid. Defaults to twice the largest stride.
        embed_dims: Token width C.
        encoder: Config of the encoder, such as ``mmqcs.TokenEncoder``, to which
            ``embed_dims`` is passed on. None returns the patch tokens alone.
        init_cfg: Initialisation; PyTorch's default by default.

    Raises:
        ValueError: Channels or strides are missing, of different lengths, or no
            halving leads from a stride to the grid's.

    Examples:
        >>> import torch
        >>> neck = TokenPyramidNeck(
        ...     in_channels=(64, 128, 256),
        ...     strides=(2, 4, 8),
        ...     embed_dims=96,
        ...     encoder=dict(type='mmqcs.TokenEncoder', num_tokens=147),
        ... )
        >>> maps = [torch.rand(2, 64 * 2**i, 56 // 2**i, 56 // 2**i) for i in range(3)]
        >>> tokens = neck(maps)[-1]  # the class token and 3 · 7 · 7 patch tokens
        >>> tokens.shape
        torch.Size([2, 148, 96])
    """

    def __init__(
        self,
        in_channels: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        grid_stride: int | None = None,
        embed_dims: int = 768,
        encoder: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not in_channels or not strides or len(in_channels) != len(strides):
            raise ValueError(
                f'in_channels and strides must name each stage of the backbone: got '
                f'{in_channels} and {strides}. They are inferred inside QCSClassifier '
                f'only'
            )
        grid_stride = grid_stride or 2 * max(strides)
        halvings = [math.log2(grid_stride / stride) for stride in strides]
        if not all(h >= 0 and h.is_integer() for h in halvings):
            raise ValueError(
                f'each stride must divide grid_stride {grid_stride} by a power of two, '
                f'got {tuple(strides)}'
            )
        self.num_levels = len(strides)
        self.levels = nn.ModuleList(
            level_convs(c, embed_dims, int(h))
            for c, h in zip(in_channels, halvings, strict=True)
        )
        if encoder is not None:
            encoder = MODELS.build(dict(encoder, embed_dims=embed_dims))
        self.encoder = encoder

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor]:
        """Makes tokens.

        Args:
            feats: One map (B, C_i, H_i, W_i) a level.

        Returns:
            One tensor in a tuple: (B, 1 + levels · g², C) with the class token
            first, or (B, levels · g², C) without an encoder.

        Raises:
            ValueError: The number of maps or their sizes do not fit.
        """
        if len(feats) != self.num_levels:
            raise ValueError(
                f'the neck has {self.num_levels} levels and got {len(feats)} feature '
                f'maps; out_indices of the backbone must fit in_channels of the neck'
            )
        maps = [level(x) for level, x in zip(self.levels, feats, strict=True)]
        if any(x.shape[-2:] != maps[0].shape[-2:] for x in maps):
            grids = [tuple(x.shape[-2:]) for x in maps]
            raise ValueError(
                f'the levels end on different grids {grids}. The strides must be those '
                f'of the feature maps, of sizes {[tuple(x.shape[-2:]) for x in feats]}'
            )
        tokens = torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)
        return (tokens if self.encoder is None else self.encoder(tokens),)
