"""Running confusion of a classifier, and weights of classes made from it."""

import numpy as np
import torch
from torch import Tensor

SMALLEST = 1e-12
"""Mean probabilities below this count as this, so that no class has weight 0."""


def confusion_sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum the predicted probabilities over the images of each class, (K, K).

    Row i is the sum of ``softmax(logits)`` over the images with label i, so it adds up
    to their number. Images whose logits are not finite do not count. No value is read
    back to the host.

    Args:
        logits: (B, K).
        labels: Class of each image, (B,).

    Examples:
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [999.0, 0.0]])
        >>> confusion_sums(logits, torch.tensor([0, 0, 1]))
        tensor([[1., 1.],
                [1., 0.]])
    """
    probabilities = logits.float().softmax(dim=1).nan_to_num(nan=0.0)
    classes = torch.arange(logits.size(1), device=labels.device)
    # not a matrix product, which autocast and TF32 would round
    members = (labels[:, None] == classes)[:, :, None]
    return (members * probabilities[:, None]).sum(dim=0)


def update_confusion(
    running: np.ndarray, sums: np.ndarray, momentum: float
) -> np.ndarray:
    """Update the exponential mean of a row-normalised confusion, (K, K).

    Each row becomes ``(1 - momentum) · running + momentum · sums / images``. A row of
    zeros is unknown, and its first value is taken as it is. Rows without images stay.

    Args:
        running: The mean so far; each row adds up to 1 or is zero.
        sums: New :func:`confusion_sums`.
        momentum: Weight of the new value, 0 < momentum ≤ 1.

    Examples:
        >>> running = np.array([[0.5, 0.5], [0.0, 0.0]])
        >>> update_confusion(running, np.array([[4.0, 0.0], [1.0, 3.0]]), 0.5)
        array([[0.75, 0.25],
               [0.25, 0.75]])
    """
    images = sums.sum(axis=1, keepdims=True)
    rows = sums / np.where(images > 0, images, 1)
    share = np.where(running.any(axis=1, keepdims=True), momentum, 1.0)
    return np.where(images > 0, running + share * (rows - running), running)


def negative_weights(
    confusion: np.ndarray, counts: np.ndarray, temperature: float
) -> np.ndarray:
    """Compute how likely each class is for the negative of each class, (K, K).

    Row i is proportional to ``confusion[i] ** (1 / temperature)`` over the other
    classes that have images. In a row of ``confusion`` that is zero, which is unknown,
    classes have the weight of their number of images instead.

    Args:
        confusion: Row-normalised confusion (K, K).
        counts: Images per class, (K,). Two or more classes have images.
        temperature: 1 draws in proportion to the confusion, larger values more evenly.

    Examples:
        >>> confusion = np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
        >>> negative_weights(confusion, np.array([9, 3, 9]), temperature=1).round(2)
        array([[0.  , 0.67, 0.33],
               [1.  , 0.  , 0.  ],
               [0.75, 0.25, 0.  ]])
    """
    allowed = (counts > 0) & ~np.eye(len(counts), dtype=bool)
    scores = np.log(np.maximum(confusion, SMALLEST)) / temperature
    scores = np.where(allowed, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    known = confusion.any(axis=1, keepdims=True)
    weights = np.where(known, weights, allowed * counts)
    return weights / weights.sum(axis=1, keepdims=True)
