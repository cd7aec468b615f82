"""Cross similarity attention over the images of a group."""

from collections.abc import Sequence

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
    """Largest distance of each edge over the batches of all ranks: (E, …, 1, 1, 1).

    The gradient flows back to the rank that holds the maximum.
    """
    largest = batch_max(distance)
    if get_world_size() > 1:
        from torch.distributed.nn.functional import all_gather

        largest = torch.stack(all_gather(largest)).amax(dim=0)
    return largest


EXTREMA = {'batch': batch_max, 'sample': sample_max, 'world': world_max}


class CSALevel(BaseModule):
    """CSA of one pyramid level (QCS, Section 3.2), its weights shared by all images.

    Args:
        embed_dims: Channels C of a token.
        ring: The edges of a group.
        mode: Which similarities weigh a token.
        residual: ``'normed'`` or ``'input'``.
        distance_range: Range of the maximum and minimum distance.
        mlp_ratio: Hidden channels of the MLP as a multiple of C.
    """

    def __init__(
        self,
        embed_dims: int,
        ring: Ring,
        mode: str,
        residual: str,
        distance_range: str,
        mlp_ratio: float,
    ) -> None:
        super().__init__()
        self.ring = ring
        self.mode = mode
        self.residual = residual
        self.largest = EXTREMA[distance_range]
        self.norm1 = nn.LayerNorm(embed_dims)
        self.proj = nn.Linear(embed_dims, 2 * embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.ffn = FFN(
            embed_dims, int(embed_dims * mlp_ratio), act_cfg=dict(type='GELU')
        )
        if mode == 'SD':
            self.theta = nn.Parameter(torch.zeros(()))

    @property
    def k(self) -> Tensor | float:
        """Balance of the dissimilar term, ``tanh θ``; 0 except in mode 'SD'."""
        return torch.tanh(self.theta) if self.mode == 'SD' else 0.0

    def weights(self, tokens: Tensor) -> Tensor:
        """Token weights of a group, for inspection: (G, B, N, C) → (G, B, N).

        Raises:
            ValueError: In mode 'SDPA', which has no weight per token.
        """
        if self.mode == 'SDPA':
            raise ValueError("mode 'SDPA' attends token to token: no weight per token")
        projected = self.project(tokens)
        return token_weights(projected, self.ring, self.mode, self.k, self.largest)

    def project(self, tokens: Tensor) -> Tensor:
        """Tokens as they are compared with each other, for inspection: P of X."""
        return self.embed(tokens)[1]

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalises and projects tokens: X → LN₁(X), P, V, each (G, B, N, C)."""
        normed = self.norm1(tokens)
        return normed, *self.proj(normed).chunk(2, dim=-1)

    def merge(self, tokens: Tensor, normed: Tensor, attended: Tensor) -> Tensor:
        """Adds what was attended to X, and applies the MLP.

        Args:
            tokens: X, (G, B, N, C).
            normed: LN₁(X).
            attended: w ⊙ V.

        Returns:
            Z, (G, B, N, C).
        """
        if self.residual == 'normed':
            return self.ffn(self.norm2(normed + attended))
        y = tokens + attended
        return self.ffn(self.norm2(y), identity=y)


class CSALevels(nn.ModuleList):
    """The levels of a pyramid, whose similarities are computed together.

    Each level has its own weights, but the maps of all levels have the same shape, so
    one sequence of operations serves them all.
    """

    def forward(self, tokens: Tensor) -> Tensor:
        """Refines the tokens X of a group into Z.

        Args:
            tokens: (G, B, L·N, C).

        Returns:
            (G, B, L·N, C).
        """
        levels = tokens.chunk(len(self), dim=2)
        normed, projected, values = zip(
            *(level.embed(x) for level, x in zip(self, levels, strict=True)),
            strict=True,
        )
        refined = [
            level.merge(*parts)
            for level, *parts in zip(
                self, levels, normed, self._attend(projected, values), strict=True
            )
        ]
        return torch.cat(refined, dim=2)

    def _attend(
        self, projected: Sequence[Tensor], values: Sequence[Tensor]
    ) -> Sequence[Tensor]:
        first = self[0]
        compared = torch.stack(projected, dim=1)
        if first.mode == 'SDPA':
            partner = {i: j for a, b in first.ring.similar for i, j in ((a, b), (b, a))}
            others = [partner[i] for i in range(first.ring.size)]
            attention = scaled_dot_product_attention(compared, first.ring)
            return [
                a @ value[others]
                for a, value in zip(attention.unbind(1), values, strict=True)
            ]
        k = 0.0
        if first.mode == 'SD':
            k = torch.tanh(torch.stack([x.theta for x in self]))[:, None, None]
        weights = token_weights(compared, first.ring, first.mode, k, first.largest)
        return [
            w.unsqueeze(-1) * value
            for w, value in zip(weights.unbind(1), values, strict=True)
        ]


@MODELS.register_module()
class CSANeck(BaseModule):
    """Cross similarity attention (QCS, Section 3.2).

    Gives every token a weight: high where it agrees with the image's similar
    partner and differs from the dissimilar one.

    As the neck of a classifier it adds the refined tokens to its input in
    training, where batches are groups in branch-major order, and passes single
    images through at test time. Inside :class:`CrossBranch` only
    :meth:`refine` is used.

    Args:
        embed_dims: Channels C of a token.
        num_levels: Levels L of the pyramid, each with weights of its own.
        group: ``'quadruplet'`` (QCS) or ``'pair'`` (DCS).
        mode: ``'SD'`` similar and dissimilar partner with a learnt balance
            ``tanh θ``; ``'S'`` or ``'D'`` one of them; ``'SDPA'`` scaled dot
            product attention over the similar partner, for ablation. Defaults to
            'SD', or to 'S' in groups without dissimilar edges.
        residual: ``'normed'``: y = LN₂(LN₁(X) + w ⊙ V), Z = y + MLP(y).
            ``'input'``: y = X + w ⊙ V, Z = y + MLP(LN₂(y)).
        distance_range: Over what the largest and smallest distance of an edge
            are taken: ``'batch'`` as published, ``'sample'`` each group by
            itself, ``'world'`` the batches of all ranks.
        mlp_ratio: Hidden channels of the MLP as a multiple of C.
        with_cp: Whether to recompute activations in the backward pass: less
            memory, one more forward, the same numbers.
        init_cfg: Initialisation; PyTorch's default by default.

    Raises:
        ValueError: An unknown option, or a mode that needs edges the group lacks.

    Examples:
        >>> import torch
        >>> attention = CSANeck(embed_dims=32, num_levels=3)
        >>> tokens = torch.rand(8, 147, 32)  # 2 anchors, 2 positives, 2 + 2 negatives
        >>> attention.refine(tokens).shape
        torch.Size([8, 147, 32])
        >>> finest, _, _ = attention.split(tokens)
        >>> weights = attention.levels[0].weights(finest)  # branch, group, token
        >>> weights.shape, bool(torch.allclose(weights.sum(-1), torch.ones(4, 2)))
        (torch.Size([4, 2, 49]), True)
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
        self.levels = CSALevels(
            CSALevel(embed_dims, self.ring, mode, residual, distance_range, mlp_ratio)
            for _ in range(num_levels)
        )

    @property
    def thetas(self) -> tuple[Tensor, ...]:
        """θ of each level, from the finest; none but in mode 'SD', which learns it."""
        return tuple(level.theta for level in self.levels if level.mode == 'SD')

    def split(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """Separates branches and levels.

        Args:
            tokens: Patch tokens in branch-major order, (G·B, L·N, C).

        Returns:
            L tensors of shape (G, B, N, C).

        Raises:
            ValueError: If the batch is not made of groups, or the tokens are not
                made of equal levels.
        """
        return self._groups(tokens).chunk(self.num_levels, dim=2)

    def _groups(self, tokens: Tensor) -> Tensor:
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

    def refine(self, tokens: Tensor) -> Tensor:
        """Refines patch tokens X into Z, level by level.

        Args:
            tokens: (G·B, L·N, C), in branch-major order.

        Returns:
            Z, of the same shape.
        """
        groups = self._groups(tokens)
        return recompute(self.levels, groups, when=self.with_cp).flatten(0, 1)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Adds refined tokens in training; passes features on at test time.

        Args:
            feats: Outputs of the backbone or of another neck, of which the last
                is refined: a map (G·B, C, H, W) or patch tokens (G·B, L·N, C).

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
