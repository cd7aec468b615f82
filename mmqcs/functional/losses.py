"""Losses published beside QCS, and one for looking at, as pure functions."""

import torch
import torch.nn.functional as F
from torch import Tensor


def kl_distillation_loss(
    student: Tensor, teacher: Tensor, temperature: float = 1.0
) -> Tensor:
    """``KL(softmax(t/T) ‖ softmax(s/T)) · T²``, mean over the batch.

    Args:
        student: Logits that learn, (B, K).
        teacher: Logits to learn from, (B, K). Detach them to stop their gradient.
        temperature: T > 0; larger values soften both distributions.

    Returns:
        Scalar.

    Examples:
        >>> student, teacher = torch.zeros(1, 2), torch.tensor([[0.0, 2.0]])
        >>> round(float(kl_distillation_loss(student, teacher, temperature=2.0)), 3)
        0.444
    """
    return temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, dim=-1),
        F.log_softmax(teacher / temperature, dim=-1),
        reduction='batchmean',
        log_target=True,
    )


def euclidean_loss(x: Tensor, y: Tensor) -> Tensor:
    """``√Σ(x − y)² / B``, the sum running over the whole batch.

    Args:
        x: Features, (B, ...).
        y: Features of the same shape.

    Returns:
        Scalar.

    Examples:
        >>> float(euclidean_loss(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])))
        5.0
    """
    return torch.linalg.vector_norm(x - y) / x.size(0)


def bilinear_pool(base: Tensor, refined: Tensor) -> Tensor:
    """Bilinear pooling of two token sets.

    ``X = baseᵀ · refined / N``, signed square root of ``|X| + 1e-5``,
    L2-normalised, times 100.

    Args:
        base: (B, N, C).
        refined: (B, N, C).

    Returns:
        (B, C²).

    Examples:
        >>> pooled = bilinear_pool(torch.rand(2, 49, 8), torch.rand(2, 49, 8))
        >>> pooled.shape, pooled.norm(dim=1).round().tolist()
        (torch.Size([2, 64]), [100.0, 100.0])
    """
    x = base.transpose(-2, -1) @ refined / base.size(-2)
    x = x.flatten(start_dim=-2)
    x = x.sign() * (x.abs() + 1e-5).sqrt()
    return 100 * F.normalize(x, dim=-1)


def branch_cross_entropy(logits: Tensor, target: Tensor, branches: int) -> Tensor:
    """Mean cross-entropy of each branch of a batch of groups.

    The terms of the published loss, for looking at; of the target itself, whatever
    smoothing or weights a head is trained with.

    Args:
        logits: In branch-major order, (G·B, K).
        target: Labels (G·B,) or distributions (G·B, K).
        branches: Images of a group, G.

    Returns:
        (G,), without a gradient.

    Examples:
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 2.0]])  # an anchor, a positive
        >>> branch_cross_entropy(logits, torch.tensor([1, 1]), branches=2)
        tensor([0.6931, 0.1269])
    """
    if target.is_floating_point():
        target = target.float()
    each = F.cross_entropy(logits.detach().float(), target, reduction='none')
    return each.view(branches, -1).mean(dim=1)
