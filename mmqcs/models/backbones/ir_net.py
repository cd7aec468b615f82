"""IR-Net, the "improved residual" network of ArcFace."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmqcs.models.branch_norm import recompute
from mmqcs.registry import MODELS

from .ir_net_keys import check_ir_weights, convert_ir_state_dict


class SqueezeExcitation(nn.Module):
    """Channel gate of mode ``ir_se``, without biases, as in the pretrained files."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the channels of x, (B, C, H, W)."""
        pooled = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(pooled))))


class IRStem(nn.Sequential):
    """3×3 conv – BN – PReLU."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) → (B, channels, H, W)."""
        # torch.compile skips the forward of a plain Sequential
        for layer in self:
            x = layer(x)
        return x


MODES = ('ir', 'ir_se')
VARIANTS = ('evolve', 'adaface', 'insightface')


class IRBlock(nn.Module):
    """BN – conv – (BN) – PReLU – conv(stride) – BN – (squeeze), plus a shortcut."""

    def __init__(
        self, in_channels: int, channels: int, stride: int, squeeze: bool, variant: str
    ) -> None:
        super().__init__()
        inner = [] if variant == 'evolve' else [nn.BatchNorm2d(channels)]
        self.residual = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False),
            *inner,
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        if squeeze:
            self.residual.append(SqueezeExcitation(channels))
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != channels or (stride != 1 and variant == 'insightface'):
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels),
            )
        elif stride != 1:
            self.shortcut = nn.MaxPool2d(1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) → (B, channels, H/stride, W/stride)."""
        return self.residual(x) + self.shortcut(x)


@MODELS.register_module()
class IRNet(BaseBackbone):
    """IR-Net backbone (ArcFace, Section 3; QCS takes the first three stages of IR-50).

    A 3×3 stem of stride 1, followed by stages whose first block has stride 2. Only the
    stages up to the last of ``out_indices`` are built.

    Args:
        depth: 10, 18, 34, 50, 100 or 152, or the number of blocks of each stage.
        mode: ``'ir'``, or ``'ir_se'`` with squeeze-and-excitation.
        variant: Project whose weights fit the blocks. ``'evolve'``: face.evoLVe, as
            in the published recipes. ``'adaface'``: AdaFace, CVLFace and TFace, with a
            BatchNorm after the first conv of each block. ``'insightface'``: with this
            BatchNorm and a conv in the shortcut of the first block of each stage.
        in_channels: Channels of the image.
        base_channels: Channels of the stem and the first stage; 64 in the pretrained
            files. Each further stage has twice as many as the previous one.
        input_size: Side to which images are resized by nearest-neighbour sampling, 112
            in the published recipes. None does not resize them.
        out_indices: Stages to return, counted from 0.
        frozen_stages: Number of stages to freeze in addition to the stem; −1 freezes
            nothing.
        norm_eval: Whether BatchNorm keeps its running statistics in training.
        with_cp: Whether to recompute activations in the backward pass, which saves
            memory and does not change results.
        init_cfg: ``dict(type='Pretrained', checkpoint='ir50.pth')`` loads weights with
            the names of mmqcs or of any of the projects above.

    Raises:
        ValueError: If depth, mode, variant or a stage is unknown, or loaded weights are
            not exactly those of this network.

    Examples:
        >>> import torch
        >>> model = IRNet(50, input_size=112)
        >>> [tuple(x.shape) for x in model(torch.rand(1, 3, 224, 224))]
        [(1, 64, 56, 56), (1, 128, 28, 28), (1, 256, 14, 14)]
    """

    arch_settings = {
        10: (1, 1, 1, 1),
        18: (2, 2, 2, 2),
        34: (3, 4, 6, 3),
        50: (3, 4, 14, 3),
        100: (3, 13, 30, 3),
        152: (3, 8, 36, 3),
    }

    def __init__(
        self,
        depth: int | Sequence[int] = 50,
        mode: str = 'ir',
        in_channels: int = 3,
        base_channels: int = 64,
        input_size: int | None = None,
        out_indices: Sequence[int] = (0, 1, 2),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        variant: str = 'evolve',
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if isinstance(depth, int) and depth not in self.arch_settings:
            raise ValueError(
                f'depth must be one of {sorted(self.arch_settings)} or the number of '
                f'blocks of each stage, got {depth}'
            )
        blocks = self.arch_settings[depth] if isinstance(depth, int) else tuple(depth)
        if not blocks or not all(isinstance(n, int) and n > 0 for n in blocks):
            raise ValueError(f'blocks of each stage must be integers > 0, got {depth}')
        for name, value, known in (
            ('mode', mode, MODES),
            ('variant', variant, VARIANTS),
        ):
            if value not in known:
                raise ValueError(f'{name} must be one of {known}, got {value!r}')
        if not out_indices or not all(0 <= i < len(blocks) for i in out_indices):
            raise ValueError(
                f'out_indices must name stages 0 to {len(blocks) - 1}: {out_indices}'
            )
        if not -1 <= frozen_stages <= len(blocks):
            raise ValueError(
                f'frozen_stages must be -1 to {len(blocks)}, got {frozen_stages}'
            )
        self.blocks = blocks
        self.mode = mode
        self.variant = variant
        self.out_indices = tuple(out_indices)
        self.input_size = input_size
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp

        channels = base_channels
        self.stem = IRStem(in_channels, channels)
        self.stages = nn.ModuleList()
        for stage, count in enumerate(blocks[: max(out_indices) + 1]):
            width = base_channels * 2**stage
            layers = []
            for i in range(count):
                stride = 1 if i else 2
                layers.append(
                    IRBlock(channels, width, stride, mode == 'ir_se', variant)
                )
                channels = width
            self.stages.append(nn.Sequential(*layers))
        self._register_load_state_dict_pre_hook(self._convert_keys)
        self._freeze()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the feature maps of the stages in ``out_indices``.

        Args:
            x: Normalised images, (B, in_channels, H, W).

        Returns:
            (B, base_channels · 2^i, H / 2^(i+1), W / 2^(i+1)) for each stage i.
        """
        if self.input_size is not None and x.shape[-2:] != (self.input_size,) * 2:
            x = F.interpolate(x, size=self.input_size, mode='nearest')
        x = recompute(self.stem, x, when=self.with_cp)
        outputs = []
        for i, stage in enumerate(self.stages):
            for block in stage.children():
                x = recompute(block, x, when=self.with_cp)
            if i in self.out_indices:
                outputs.append(x)
        return tuple(outputs)

    def train(self, mode: bool = True) -> 'IRNet':
        """Set the training mode, and keep frozen parts in evaluation mode."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages >= 0:
            for part in (self.stem, *self.stages[: self.frozen_stages]):
                part.eval()
                part.requires_grad_(False)

    def _convert_keys(self, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        """Rename the keys of public weights in place, before they are loaded."""
        convert_ir_state_dict(state_dict, prefix, self.blocks, len(self.stages))
        if not prefix:
            # MMEngine would load what fits and continue.
            settings = (
                f'blocks={self.blocks}, variant={self.variant!r}, mode={self.mode!r}'
            )
            check_ir_weights(state_dict, self.state_dict(), settings)
