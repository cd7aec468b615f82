"""Cross similarity attention over the images of a group."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn as nn
from mmcv.cnn.bricks.transformer import FFN
from mmengine.dist import get_world_size
from mmengine.model import BaseModule
from torch import Tensor

from mmqcs.functional import (
    RINGS,
    Ring,
    scaled_dot_product_attention,
    token_weights,
)
from mmqcs.functional.similarity import batch_max, check_mode, sample_max
from mmqcs.models.branch_norm import recompute
from mmqcs.registry import MODELS


def world_max(distance: Tensor) -> Tensor:
    """Return the largest distance of each edge over all ranks: (E, …, 1, 1, 1).

    The gradient flows back to the rank that holds the maximum.
    """
    largest = batch_max(distance)
    if get_world_size() > 1:
        from torch.distributed.nn.functional import all_gather

        largest = torch.stack(all_gather(largest)).amax(dim=0)
    return largest


EXTREMA = {'batch': batch_max, 'sample': sample_max, 'world': world_max}


class CSALevel(nn.Module):
    """Weights of one pyramid level, shared by all images of a group."""

    def __init__(self, embed_dims: int, mlp_ratio: float, balanced: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dims)
        self.proj = nn.Linear(embed_dims, 2 * embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.ffn = FFN(
            embed_dims, int(embed_dims * mlp_ratio), act_cfg=dict(type='GELU')
        )
        if balanced:
            self.theta = nn.Parameter(torch.zeros(()))

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalise and project tokens X.

        Returns:
            LN₁(X), P, by which tokens are compared, and V, each (G, B, N, C).
        """
        normed = self.norm1(tokens)
        return normed, *self.proj(normed).chunk(2, dim=-1)


class CSALevels(nn.ModuleList):
    """The levels of a pyramid, whose similarities are computed together.

    The maps of all levels have the same shape, so one sequence of operations serves
    them all. See :class:`CSANeck` for the arguments.
    """

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[CSALevel]: ...

    def __init__(
        self,
        levels: Iterable[CSALevel],
        ring: Ring,
        mode: str,
        residual: str,
        distance_range: str,
    ) -> None:
        super().__init__(levels)
        self.ring = ring
        self.mode = mode
        self.residual = residual
        self.distance_range = distance_range

    def forward(self, tokens: Tensor) -> Tensor:
        """Refine the tokens X of a group into Z, both (G, B, L·N, C)."""
        levels = tokens.chunk(len(self), dim=2)
        normed, projected, values = self._embed(levels)
        if self.mode == 'SDPA':
            others = list(self.ring.partners)
            maps = scaled_dot_product_attention(projected, self.ring).unbind(1)
            attended = [a @ v[others] for a, v in zip(maps, values, strict=True)]
        else:
            weights = self._weights(projected).unsqueeze(-1).unbind(1)
            attended = [w * v for w, v in zip(weights, values, strict=True)]
        refined = []
        for level, x, norm, a in zip(self, levels, normed, attended, strict=True):
            if self.residual == 'normed':
                refined.append(level.ffn(level.norm2(norm + a)))
            else:
                y = x + a
                refined.append(level.ffn(level.norm2(y), identity=y))
        return torch.cat(refined, dim=2)

    def weights(self, tokens: Tensor) -> Tensor:
        """Return the token weights of a group, (G, B, L·N, C) → (G, L, B, N)."""
        return self._weights(self._embed(tokens.chunk(len(self), dim=2))[1])

    def _embed(
        self, levels: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Tensor, Sequence[Tensor]]:
        parts = (level.embed(x) for level, x in zip(self, levels, strict=True))
        normed, projected, values = zip(*parts, strict=True)
        return normed, torch.stack(projected, dim=1), values

    def _weights(self, projected: Tensor) -> Tensor:
        k: Tensor | float = 0.0
        if self.mode == 'SD':
            k = torch.tanh(torch.stack([x.theta for x in self]))[:, None, None]
        largest = EXTREMA[self.distance_range]
        return token_weights(projected, self.ring, self.mode, k, largest)


@MODELS.register_module()
class CSANeck(BaseModule):
    """Cross similarity attention (QCS, Section 3.2).

    Gives a token a high weight if it agrees with the similar partner of its image and
    differs from the dissimilar one.

    As the neck of a classifier it adds the refined tokens to its input in training,
    where batches are groups in branch-major order, and passes single images through at
    test time. :class:`CrossBranch` only uses :meth:`refine`.

    Args:
        embed_dims: Channels C of a token.
        num_levels: Levels L of the pyramid. Each has its own weights.
        group: ``'quadruplet'`` (QCS) or ``'pair'`` (DCS).
        mode: ``'SD'``: similar and dissimilar partner, with a learnt balance
            ``tanh θ``. ``'S'`` or ``'D'``: one of them. ``'SDPA'``: scaled dot product
            attention over the similar partner, for ablation. Defaults to ``'SD'``, or
            to ``'S'`` in groups without dissimilar edges.
        residual: ``'normed'``: y = LN₂(LN₁(X) + w ⊙ V), Z = y + MLP(y).
            ``'input'``: y = X + w ⊙ V, Z = y + MLP(LN₂(y)).
        distance_range: Range of the largest and smallest distance of an edge:
            ``'batch'`` as published, ``'sample'`` for each group by itself, or
            ``'world'`` for the batches of all ranks.
        mlp_ratio: Hidden channels of the MLP as a multiple of C.
        with_cp: Whether to recompute activations in the backward pass, which saves
            memory and does not change results.
        init_cfg: Initialisation; PyTorch's default by default.

    Raises:
        ValueError: If an option is unknown, the mode needs edges that the group lacks,
            or, in use, a batch is not made of groups or tokens not of equal levels.

    Examples:
        >>> import torch
        >>> attention = CSANeck(embed_dims=32, num_levels=3)
        >>> tokens = torch.rand(8, 147, 32)  # 2 anchors, 2 positives, 2 + 2 negatives
        >>> attention.refine(tokens).shape
        torch.Size([8, 147, 32])
        >>> weights = attention.weights(tokens)  # branch, level, group, token
        >>> weights.shape, bool(torch.allclose(weights.sum(-1), torch.ones(4, 3, 2)))
        (torch.Size([4, 3, 2, 49]), True)
    """

    def __init__(
        self,
        embed_dims: int = 768,
        num_levels: int = 3,
        group: str = 'quadruplet',
        mode: str | None = None,
        residual: str = 'normed',
        distance_range: str = 'batch',
        mlp_ratio: float = 4.0,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value, known in (
            ('group', group, RINGS),
            ('residual', residual, ('normed', 'input')),
            ('distance_range', distance_range, EXTREMA),
        ):
            if value not in known:
                raise ValueError(f'{name} must be one of {list(known)}, got {value!r}')
        self.ring = RINGS[group]
        mode = mode or ('SD' if self.ring.dissimilar else 'S')
        check_mode(mode, self.ring)
        self.num_levels = num_levels
        self.with_cp = with_cp
        levels = (
            CSALevel(embed_dims, mlp_ratio, mode == 'SD') for _ in range(num_levels)
        )
        self.levels = CSALevels(levels, self.ring, mode, residual, distance_range)

    @property
    def thetas(self) -> tuple[Tensor, ...]:
        """θ of each level, from the finest; empty except in mode 'SD'."""
        balanced = self.levels.mode == 'SD'
        return tuple(level.theta for level in self.levels) if balanced else ()

    def _groups(self, tokens: Tensor) -> Tensor:
        """Separate the branches: (G·B, L·N, C) → (G, B, L·N, C)."""
        size = self.ring.size
        if len(tokens) % size or not len(tokens):
            raise ValueError(
                f'a batch of {len(tokens)} images is not made of groups of {size}. '
                f'Use {self.ring.sampler} as batch_sampler of the train_dataloader'
            )
        if tokens.size(1) % self.num_levels:
            raise ValueError(
                f'{tokens.size(1)} tokens are not {self.num_levels} equal levels; '
                f'num_levels must be that of the pyramid'
            )
        return tokens.unflatten(0, (size, -1))

    def weights(self, tokens: Tensor) -> Tensor:
        """Return the token weights, for inspection.

        Args:
            tokens: Patch tokens in branch-major order, (G·B, L·N, C).

        Returns:
            (G, L, B, N), which sum to 1 over N.

        Raises:
            ValueError: In mode 'SDPA', which has no weight per token.
        """
        if self.levels.mode == 'SDPA':
            raise ValueError("mode 'SDPA' attends token to token: no weight per token")
        return self.levels.weights(self._groups(tokens))

    def refine(self, tokens: Tensor) -> Tensor:
        """Refine patch tokens X into Z, each (G·B, L·N, C) in branch-major order."""
        groups = self._groups(tokens)
        return recompute(self.levels, groups, when=self.with_cp).flatten(0, 1)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Add refined tokens in training; pass features through at test time.

        Args:
            feats: Outputs of the backbone or another neck. The last one is refined: a
                map (G·B, C, H, W) or patch tokens (G·B, L·N, C).

        Returns:
            The same features, the last one X + Z in training.
        """
        if not self.training:
            return tuple(feats)
        *others, x = feats
        tokens = x.flatten(2).transpose(1, 2) if x.ndim == 4 else x
        tokens = tokens + self.refine(tokens)
        if x.ndim == 4:
            tokens = tokens.transpose(1, 2).reshape_as(x)
        return (*others, tokens)
