"""Turns feature maps of several sizes into tokens on one grid."""

import math
from collections.abc import Sequence

import torch
import torch.nn as nn
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.registry import MODELS


def level_convs(in_channels: int, channels: int, halvings: int) -> nn.Sequential:
    """Return convs that bring a feature map to the grid and the token width.

    The first conv with stride 2 keeps the channels, and the second changes them to the
    token width. With fewer than two halvings of the side, a 1×1 conv does. For IR-50
    (halvings 3, 2, 1) these are the levels of QCS.
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


@torch.no_grad()
def probe_backbone(
    backbone: nn.Module, input_size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the channels and strides of a backbone's maps for a blank image.

    Args:
        backbone: Module from (1, 3, H, W) to a tuple of maps (1, C, h, w).
        input_size: Side of the image.

    Raises:
        ValueError: If an output is not a map.
    """
    training = backbone.training
    backbone.eval()  # some backbones return nothing here
    outputs = backbone(torch.zeros(1, 3, input_size, input_size))
    backbone.train(training)
    for x in outputs:
        if x.ndim != 4:
            raise ValueError(
                f'{type(backbone).__name__} gives an output of shape {tuple(x.shape)} '
                f'instead of a feature map (B, C, H, W). A vision transformer gives '
                f"maps with out_type='featmap'"
            )
    strides = tuple(round(input_size / x.shape[-1]) for x in outputs)
    return tuple(x.shape[1] for x in outputs), strides


@MODELS.register_module()
class TokenPyramidNeck(BaseModule):
    """Turns the stages of a backbone into one sequence of tokens.

    Each stage is a level. Convs with stride 2 bring its map to a grid of side g, whose
    cells are g² tokens. The levels are concatenated, the finest first, and encoded.

    Args:
        in_channels: Channels of each stage, (64, 128, 256) for IR-50. None lets
            ``QCSClassifier`` infer channels and strides from the backbone.
        strides: Stride of each stage with respect to the network input, powers of two,
            (2, 4, 8) for IR-50.
        grid_stride: Stride of the grid. Defaults to twice the largest stride.
        embed_dims: Token width C.
        encoder: Config of the encoder, such as ``mmqcs.TokenEncoder``, which also gets
            ``embed_dims``. None returns the patch tokens.
        init_cfg: Initialisation; PyTorch's default by default.

    Raises:
        ValueError: If channels or strides are missing or do not match, or halving does
            not lead from a stride to the grid's; in use, if the maps do not fit.

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
                f'in_channels and strides must name each stage of the backbone, got '
                f'{in_channels} and {strides}. Only QCSClassifier infers them'
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
        config = encoder and dict(encoder, embed_dims=embed_dims)
        self.encoder = MODELS.build(config) if config else None

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor]:
        """Turn a map (B, C_i, H_i, W_i) per level into tokens.

        Returns:
            A tuple of one tensor: (B, 1 + levels · g², C) with the class token first,
            or (B, levels · g², C) without an encoder.
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
