"""Groups among the items of one batch, such as the regions of a detector."""

import numpy as np
from numpy.random import Generator

from .ring import Ring


def draw_groups(
    labels: np.ndarray,
    ring: Ring,
    rng: Generator,
    objects: np.ndarray | None = None,
    max_groups: int | None = None,
) -> np.ndarray:
    """Draw a group for every item of a batch that can have one.

    Each item is an anchor at most once. Its similar partner is uniform over the items
    of its class. With dissimilar edges, the negative is uniform over the items of other
    classes that have a similar partner themselves. Items without partners are left out.

    Args:
        labels: Class of each item, (M,).
        ring: The edges of a group, of one or two classes.
        rng: Source of randomness.
        objects: Number of the object that each item shows, (M,). Similar partners show
            different objects. None if each item shows its own.
        max_groups: Largest number of groups, chosen at random. None keeps all.

    Returns:
        Positions of the items in ``labels``, (ring.size, B) with B ≤ M. Each row is a
        branch of the ring; the anchors are in ascending order.

    Examples:
        >>> from mmqcs.functional import QUADRUPLET
        >>> labels = np.array([3, 5, 3, 5])
        >>> groups = draw_groups(labels, QUADRUPLET, np.random.default_rng(0))
        >>> labels[groups]  # anchors, positives, negatives, second negatives
        array([[3, 5, 3, 5],
               [3, 5, 3, 5],
               [5, 3, 5, 3],
               [5, 3, 5, 3]])
    """
    labels = np.asarray(labels)
    objects = np.arange(len(labels)) if objects is None else np.asarray(objects)
    if not len(labels):
        return np.empty((ring.size, 0), dtype=np.int64)
    alike = labels[:, None] == labels
    similar = alike & (objects[:, None] != objects)
    paired = similar.any(axis=1)
    others = (
        (paired & ~alike) if ring.dissimilar else np.broadcast_to(paired, alike.shape)
    )
    heads = np.flatnonzero(paired & others.any(axis=1))
    if max_groups is not None and len(heads) > max_groups:
        heads = np.sort(rng.permutation(heads)[:max_groups])

    groups = np.empty((ring.size, len(heads)), dtype=np.int64)
    for slot, (head, partner) in enumerate(ring.similar):
        if slot:
            heads = _choose(others[heads], rng)
        groups[head] = heads
        groups[partner] = _choose(similar[heads], rng)
    return groups


def _choose(allowed: np.ndarray, rng: Generator) -> np.ndarray:
    """Draw a column that is True for each row, uniformly: (B, M) → (B,)."""
    return np.where(allowed, rng.random(allowed.shape), -1.0).argmax(axis=1)
