"""Losses, weights of images and bilinear pooling as pure functions."""

import torch
import torch.nn.functional as F
from torch import Tensor


def kl_distillation_loss(
    student: Tensor, teacher: Tensor, temperature: float = 1.0
) -> Tensor:
    """Return ``KL(softmax(t/T) ‖ softmax(s/T)) · T²``, the mean over the batch.

    Args:
        student: Logits that learn, (B, K).
        teacher: Logits to learn from, (B, K). Detach them to stop their gradient.
        temperature: T > 0; larger values soften both distributions.

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
    """Return ``√Σ(x − y)² / B`` of features (B, ...), with the sum over the batch.

    Examples:
        >>> float(euclidean_loss(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])))
        5.0
    """
    return torch.linalg.vector_norm(x - y) / x.size(0)


def logit_adjusted_cross_entropy(
    logits: Tensor, target: Tensor, counts: Tensor, tau: float = 1.0
) -> Tensor:
    """Return the cross-entropy of ``logits + tau · log(counts)``, the mean over images.

    Args:
        logits: (B, K).
        target: Labels (B,) or distributions (B, K).
        counts: Number of training images of each class, or their shares, all > 0, (K,).
        tau: Strength of the adjustment.

    Examples:
        >>> logits, counts = torch.zeros(1, 2), torch.tensor([3.0, 1.0])
        >>> rare = logit_adjusted_cross_entropy(logits, torch.tensor([1]), counts)
        >>> round(float(rare.exp()), 3)  # 1 / (1 / 4)
        4.0
    """
    return F.cross_entropy(logits + tau * counts.log(), target)


def bilinear_pool(base: Tensor, refined: Tensor) -> Tensor:
    """Return the bilinear pooling of two token sets (B, N, C), (B, C²).

    ``X = baseᵀ · refined / N``, signed square root of ``|X| + 1e-5``, L2-normalised,
    times 100.

    Examples:
        >>> pooled = bilinear_pool(torch.rand(2, 49, 8), torch.rand(2, 49, 8))
        >>> pooled.shape, pooled.norm(dim=1).round().tolist()
        (torch.Size([2, 64]), [100.0, 100.0])
    """
    x = base.transpose(-2, -1) @ refined / base.size(-2)
    x = x.flatten(start_dim=-2)
    x = x.sign() * (x.abs() + 1e-5).sqrt()
    return 100 * F.normalize(x, dim=-1)


@torch.no_grad()
def agreement_weights(
    base_logits: Tensor, cross_logits: Tensor, target: Tensor, power: float
) -> Tensor:
    """Weight images by how little two classifiers agree against their labels, (M,).

    With the probabilities p and q of the two classifiers, ``r = max over k ≠ y of
    min(p_k, q_k)`` is the strength with which both see the same other class than the
    label y. The weights are ``(1 - r) ** power``, divided by their mean. An image that
    is merely hard, on which the classifiers are unsure or disagree, keeps its weight.

    Args:
        base_logits: (M, K).
        cross_logits: (M, K).
        target: Labels (M,), or distributions (M, K), whose largest value is the label.
        power: Strength of the weighting; 0 makes all weights 1.

    Examples:
        >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
        >>> agreement_weights(logits, logits, torch.tensor([0, 1]), power=1.0)
        tensor([1.7616, 0.2384])
    """
    p, q = (x.float().softmax(dim=1) for x in (base_logits, cross_logits))
    label = target if target.ndim == 1 else target.argmax(dim=1)
    # not one_hot or an index, which wait for a GPU
    own = label[:, None] == torch.arange(p.size(1), device=p.device)
    against = torch.minimum(p, q).masked_fill(own, 0).amax(dim=1)
    weights = (1 - against).clamp(min=1e-6) ** power
    return weights / weights.mean()
