"""Values that are logged for each batch of groups but not trained on."""

import torch
from torch import Tensor

from mmqcs.functional import Ring, branch_cross_entropy


def group_curves(
    logits: dict[str, Tensor], labels: Tensor, target: Tensor, ring: Ring
) -> dict[str, Tensor]:
    """Computes accuracies, and the cross-entropy of each branch.

    Args:
        logits: Logits (G·B, K) of each head, by name.
        labels: Labels (G·B,).
        target: Labels (G·B,) or distributions (G·B, K).
        ring: The images of a group.

    Returns:
        Scalars without gradient: ``accuracy_NAME`` in percent, and
        ``ce_NAME/BRANCH``, such as ``ce_base/anchor``.
    """
    # All heads at once, because small operations cost as much as large ones.
    stacked = torch.stack([x.detach().float() for x in logits.values()])
    correct = (stacked.argmax(dim=-1) == labels).float().mean(dim=1) * 100
    copies = (len(stacked),) + (1,) * (target.ndim - 1)
    branches = len(stacked) * ring.size
    terms = branch_cross_entropy(stacked.flatten(0, 1), target.repeat(copies), branches)
    names = [f'ce_{head}/{branch}' for head in logits for branch in ring.branches]
    accuracies = [f'accuracy_{head}' for head in logits]
    return dict(zip(accuracies, correct.unbind(), strict=True)) | dict(
        zip(names, terms.unbind(), strict=True)
    )
