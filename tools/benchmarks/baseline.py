"""The baseline of the benchmarks: QCS as training scripts compute it.

Each branch goes through the network by itself, in float32 and channels first.
Attention takes one edge at a time, and SAM loops over the parameters. The results are
those of :class:`mmqcs.models.QCSClassifier`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmqcs.functional import Ring
from mmqcs.functional.similarity import (
    dissimilarity_map,
    edge_scores,
    pairwise_distance,
    similarity_map,
)
from mmqcs.models import QCSClassifier
from mmqcs.models.necks.csa_neck import CSALevel


def refine_by_edges(level: CSALevel, ring: Ring, tokens: list[Tensor]) -> list[Tensor]:
    """Compute CSA of one level by image and by edge, in mode SD: X → Z, (B, N, C)."""
    normed = [level.norm1(x) for x in tokens]
    halves = [level.proj(x).chunk(2, dim=-1) for x in normed]
    balance = 1 + torch.tanh(level.theta)
    scores = [torch.zeros(())] * len(tokens)
    for edges, to_map, factor in (
        (ring.similar, similarity_map, 1.0),
        (ring.dissimilar, dissimilarity_map, balance),
    ):
        for i, j in edges:
            pair = torch.stack((halves[i][0], halves[j][0]))
            maps = to_map(pairwise_distance(pair, ((0, 1),)))
            first, second = edge_scores(maps)[0]
            scores[i] = scores[i] + factor * first
            scores[j] = scores[j] + factor * second
    refined = []
    for x, (_, value), score in zip(normed, halves, scores, strict=True):
        y = level.norm2(x + score.softmax(dim=-1).unsqueeze(-1) * value)
        refined.append(level.ffn(y))
    return refined


def branch_by_branch_loss(
    model: QCSClassifier, branches: list[Tensor], labels: list[Tensor]
) -> Tensor:
    """Compute the loss of a batch of quadruplets, each branch by itself.

    Args:
        model: Classifier whose parts are used, but not its forward pass. As in training
            scripts, its cross encoder computes all tokens (``out_type='raw'``).
        branches: Images of each branch, (B, 3, H, W).
        labels: Labels of each branch, (B,).
    """
    tokens = [model.extract_feat(x)[-1] for x in branches]
    attention = model.cross.attention
    levels = [
        refine_by_edges(
            level,
            model.ring,
            [x[:, 1:].chunk(attention.num_levels, 1)[i] for x in tokens],
        )
        for i, level in enumerate(attention.levels)
    ]
    terms = []
    for branch, (x, label) in enumerate(zip(tokens, labels, strict=True)):
        refined = torch.cat([level[branch] for level in levels], dim=1)
        encoded = model.cross.encoder(x[:, 1:] + refined)
        terms.append(F.cross_entropy(model.head((x,)), label))
        terms.append(F.cross_entropy(model.cross.head((encoded,)), label))
    return torch.stack(terms).mean()


class ParameterwiseSAM:
    """SAM around an optimiser, with a loop over the parameters in each step."""

    def __init__(self, optimizer: torch.optim.Optimizer, rho: float = 0.05) -> None:
        self.optimizer = optimizer
        self.rho = rho
        self.kept: dict[Tensor, Tensor] = {}

    def _parameters(self) -> list[Tensor]:
        groups = self.optimizer.param_groups
        return [p for g in groups for p in g['params'] if p.grad is not None]

    @torch.no_grad()
    def ascend(self) -> None:
        """Move the weights to w + rho · g / ‖g‖, and keep w."""
        grads = [p.grad for p in self._parameters() if p.grad is not None]
        norm = torch.stack([grad.norm() for grad in grads]).norm()
        for p in self._parameters():
            self.kept[p] = p.data.clone()
            p.add_(p.grad * (self.rho / (norm + 1e-12)))
        self.optimizer.zero_grad()

    @torch.no_grad()
    def descend(self) -> None:
        """Return to w and step."""
        for p in self._parameters():
            p.data = self.kept.pop(p)
        self.optimizer.step()
        self.optimizer.zero_grad()
