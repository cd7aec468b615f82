"""Small transformer over tokens with a class token."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor

from mmqcs.models.branch_norm import recompute
from mmqcs.registry import MODELS


class EncoderBlock(BaseModule):
    """Pre-norm transformer block; dropout inside the MLP only."""

    def __init__(
        self, embed_dims: int, num_heads: int, mlp_ratio: float, drop_rate: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.attn = MultiheadAttention(embed_dims, num_heads)
        self.norm2 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.ffn = FFN(
            embed_dims,
            int(embed_dims * mlp_ratio),
            act_cfg=dict(type='GELU'),
            ffn_drop=drop_rate,
        )

    def forward(self, x: Tensor, first_only: bool = False) -> Tensor:
        """(B, T, C) → (B, T, C), or only the first token of the result, (B, 1, C)."""
        query, key, value = self._project(self.norm1(x), first_only)
        attended = F.scaled_dot_product_attention(query, key, value)
        if first_only:
            x = x[:, :1]
        x = x + self.attn.proj(attended.transpose(1, 2).flatten(2))
        return self.ffn(self.norm2(x), identity=x)

    def _project(self, x: Tensor, first_only: bool) -> tuple[Tensor, ...]:
        """Return query, key and value of each head, (B, heads, T, C / heads)."""
        attn = self.attn
        heads = attn.num_heads, attn.head_dims
        if not first_only:
            parts = attn.qkv(x).unflatten(-1, (3, *heads))
            return parts.permute(2, 0, 3, 1, 4).unbind()
        # The other tokens need no query.
        sizes = attn.embed_dims, 2 * attn.embed_dims
        w_q, w_kv = attn.qkv.weight.split(sizes)
        b_q, b_kv = attn.qkv.bias.split(sizes)
        query = F.linear(x[:, :1], w_q, b_q).unflatten(-1, heads).transpose(1, 2)
        both = F.linear(x, w_kv, b_kv).unflatten(-1, (2, *heads))
        return query, *both.permute(2, 0, 3, 1, 4).unbind()


@MODELS.register_module()
class TokenEncoder(BaseModule):
    """Prepends a class token, adds positions and runs transformer blocks.

    QCS uses depth 2 for the base network and depth 1 for the cross branch.

    Args:
        num_tokens: Patch tokens N of an image.
        embed_dims: Channels C of a token.
        depth: Number of blocks.
        num_heads: Attention heads; must divide C.
        mlp_ratio: Hidden channels of each MLP as a multiple of C.
        drop_rate: Dropout after the position embedding and in the MLPs.
        out_type: ``'raw'`` for all tokens, or ``'cls_token'`` for the class token, for
            which the last block computes less.
        with_cp: Whether to recompute activations in the backward pass, which saves
            memory and does not change results.
        init_cfg: Defaults to truncated normal 0.01 and zero bias for linear
            layers. Class token and positions are truncated normal 0.02.

    Raises:
        ValueError: If the heads do not divide the channels, there is no block, or
            ``out_type`` is unknown; in use, if the tokens do not fit.

    Examples:
        >>> import torch
        >>> encoder = TokenEncoder(num_tokens=49, embed_dims=64, depth=2)
        >>> encoder(torch.rand(2, 49, 64)).shape
        torch.Size([2, 50, 64])
        >>> encoder = TokenEncoder(num_tokens=49, embed_dims=64, out_type='cls_token')
        >>> encoder(torch.rand(2, 49, 64)).shape
        torch.Size([2, 64])
    """

    def __init__(
        self,
        num_tokens: int,
        embed_dims: int = 768,
        depth: int = 1,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
        drop_rate: float = 0.0,
        out_type: str = 'raw',
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if out_type not in ('raw', 'cls_token'):
            raise ValueError(f"out_type must be 'raw' or 'cls_token', got {out_type!r}")
        if depth < 1:
            raise ValueError(f'depth must be at least 1, got {depth}')
        if embed_dims % num_heads:
            raise ValueError(
                f'num_heads must divide embed_dims, got {num_heads} and {embed_dims}'
            )
        super().__init__(
            init_cfg or dict(type='TruncNormal', layer='Linear', std=0.01, bias=0)
        )
        self.num_tokens = num_tokens
        self.embed_dims = embed_dims
        self.out_type = out_type
        self.with_cp = with_cp
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + num_tokens, embed_dims))
        self.drop = nn.Dropout(drop_rate)
        settings = embed_dims, num_heads, mlp_ratio, drop_rate
        self.blocks = nn.Sequential(*(EncoderBlock(*settings) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)

    def init_weights(self) -> None:
        """Initialise the class token and the positions, then the layers."""
        trunc_normal_(self.cls_token, std=0.02)
        trunc_normal_(self.pos_embed, std=0.02)
        super().init_weights()

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode patch tokens (B, N, C).

        Returns:
            Normalised tokens with the class token first, (B, 1 + N, C), or the class
            token, (B, C), depending on ``out_type``.
        """
        if tokens.shape[1:] != (self.num_tokens, self.embed_dims):
            raise ValueError(
                f'the encoder was built for {self.num_tokens} tokens of '
                f'{self.embed_dims} channels and got {tuple(tokens.shape[1:])}; change '
                f'the input size, the strides or num_tokens in the config'
            )
        cls_token = self.cls_token.expand(tokens.shape[0], -1, -1)
        x = torch.cat((cls_token, tokens), dim=1) + self.pos_embed
        x = self.drop(x)
        *blocks, last = self.blocks
        for block in blocks:
            x = recompute(block, x, when=self.with_cp)
        first_only = self.out_type == 'cls_token'
        x = recompute(last, x, first_only, when=self.with_cp)
        return self.norm(x[:, 0] if first_only else x)
