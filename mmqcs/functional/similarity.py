"""Cross similarity attention as pure functions (QCS, Section 3.2).

Shapes: G images per group, B groups, N tokens per image, C channels, E edges. ``…``
stands for further batch dimensions, such as the levels of a pyramid.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .ring import Edge, Ring

Extremum = Callable[[Tensor], Tensor]
"""Function from distances (E, …, B, N, N) to their maxima, broadcastable to them."""

_EPS = 1e-12


def pairwise_distance(tokens: Tensor, edges: tuple[Edge, ...]) -> Tensor:
    """Return Euclidean distances between the tokens at both ends of each edge.

    Args:
        tokens: Projected tokens, (G, …, B, N, C).
        edges: Pairs (i, j) of images.

    Returns:
        (E, …, B, N, N); rows are tokens of image i, columns tokens of image j.

    Examples:
        >>> tokens = torch.rand(4, 2, 49, 96)  # a quadruplet, two groups
        >>> pairwise_distance(tokens, ((0, 1), (2, 3))).shape
        torch.Size([2, 2, 49, 49])
    """
    # Half precision would drown the differences between distances.
    tokens = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
    images = tokens.unbind()
    rows = torch.stack([images[i] for i, _ in edges])
    columns = torch.stack([images[j] for _, j in edges])
    return torch.cdist(rows, columns)


def batch_max(distance: Tensor) -> Tensor:
    """Return the largest distance of each edge over the batch, (E, …, 1, 1, 1)."""
    return distance.amax(dim=(-3, -2, -1), keepdim=True)


def sample_max(distance: Tensor) -> Tensor:
    """Return the largest distance of each edge in each group, (E, …, B, 1, 1)."""
    return distance.amax(dim=(-2, -1), keepdim=True)


def similarity_map(distance: Tensor, largest: Extremum = batch_max) -> Tensor:
    """Return ``max(Δ) − Δ``, which is high for tokens that agree.

    Args:
        distance: Δ, (E, …, B, N, N).
        largest: Range of the maximum; :func:`batch_max` as published.

    Examples:
        >>> distance = torch.tensor([0.0, 1.0, 3.0, 2.0]).reshape(1, 1, 2, 2)
        >>> similarity_map(distance).flatten().tolist()
        [3.0, 2.0, 0.0, 1.0]
    """
    return largest(distance) - distance


def dissimilarity_map(distance: Tensor, largest: Extremum = batch_max) -> Tensor:
    """Return ``Δ − min(Δ)``, which is high for tokens that differ.

    Args:
        distance: Δ, (E, …, B, N, N).
        largest: Range of the minimum, which is ``−largest(−Δ)``.

    Examples:
        >>> distance = torch.tensor([1.0, 2.0, 4.0, 3.0]).reshape(1, 1, 2, 2)
        >>> dissimilarity_map(distance).flatten().tolist()
        [0.0, 1.0, 3.0, 2.0]
    """
    return distance + largest(-distance)


def edge_scores(maps: Tensor) -> Tensor:
    """Return the score of each token at both ends of each edge.

    Each column (a token of the partner) is L2-normalised over the image's own tokens,
    and the columns are summed: ``r(M)_n = Σ_m M[n, m] / ‖M[:, m]‖``.

    Args:
        maps: Similarity or dissimilarity maps, (E, …, B, N, N).

    Returns:
        Scores of the first and second image of each edge, (E, 2, …, B, N).

    Examples:
        >>> maps = torch.tensor([3.0, 0.0, 4.0, 1.0]).reshape(1, 1, 2, 2)
        >>> edge_scores(maps)[0, 0, 0]  # of the first image: 3/5 + 0/1 and 4/5 + 1/1
        tensor([0.6000, 1.8000])
    """
    first = F.normalize(maps, dim=-2, eps=_EPS).sum(dim=-1)
    second = F.normalize(maps, dim=-1, eps=_EPS).sum(dim=-2)
    return torch.stack((first, second), dim=1)


def _by_image(scores: Tensor, edges: tuple[Edge, ...]) -> Tensor:
    """Reorder edge scores (E, 2, …, B, N) into rows of images, (G, …, B, N)."""
    rows = scores.flatten(0, 1).unbind()
    position = {
        image: 2 * e + end
        for e, edge in enumerate(edges)
        for end, image in enumerate(edge)
    }
    return torch.stack([rows[position[i]] for i in sorted(position)])


def token_weights(
    tokens: Tensor,
    ring: Ring,
    mode: str = 'SD',
    k: Tensor | float = 0.0,
    largest: Extremum = batch_max,
) -> Tensor:
    """Return the weight of each token in its image (steps 2 to 4 of CSA).

    ``softmax(r(S) + (1 + k) · r(D))`` over the tokens of an image, where S is the map
    to its similar and D the map to its dissimilar partner.

    Args:
        tokens: Projected tokens, (G, …, B, N, C).
        ring: The edges.
        mode: ``'SD'``, or ``'S'`` or ``'D'`` for one of the terms.
        k: Balance ``tanh θ`` of the dissimilar term, broadcastable to (…, B, N).
        largest: Range of the maximum and minimum of a map.

    Returns:
        (G, …, B, N), positive, summing to 1 over N.

    Raises:
        ValueError: If the mode is unknown or needs edges that the ring lacks.

    Examples:
        >>> from mmqcs.functional import QUADRUPLET
        >>> weights = token_weights(torch.rand(4, 2, 49, 96), QUADRUPLET)
        >>> weights.shape, bool((weights.sum(-1) - 1).abs().max() < 1e-5)
        (torch.Size([4, 2, 49]), True)
    """
    check_mode(mode, ring)
    similar = ring.similar if 'S' in mode else ()
    dissimilar = ring.dissimilar if 'D' in mode else ()
    distance = pairwise_distance(tokens, similar + dissimilar)
    alike, unlike = distance.split((len(similar), len(dissimilar)))
    maps = [similarity_map(alike, largest)] if similar else []
    maps += [dissimilarity_map(unlike, largest)] if dissimilar else []
    scores = edge_scores(torch.cat(maps)).split((len(similar), len(dissimilar)))
    terms = [
        _by_image(score, edges)
        for score, edges in zip(scores, (similar, dissimilar), strict=True)
        if edges
    ]
    score = terms[0] + (1 + k) * terms[1] if mode == 'SD' else terms[0]
    return torch.softmax(score, dim=-1)


def scaled_dot_product_attention(tokens: Tensor, ring: Ring) -> Tensor:
    """Return the attention of each image over its similar partner, for ablation.

    Args:
        tokens: Projected tokens, (G, …, B, N, C).
        ring: The edges, of which the similar ones are used.

    Returns:
        (G, …, B, N, N). Row n has the weights of the partner's values for token n.

    Examples:
        >>> from mmqcs.functional import PAIR
        >>> scaled_dot_product_attention(torch.rand(2, 3, 49, 96), PAIR).shape
        torch.Size([2, 3, 49, 49])
    """
    other = tokens[list(ring.partners)]
    logits = tokens @ other.transpose(-2, -1) / tokens.size(-1) ** 0.5
    return torch.softmax(logits, dim=-1)


def check_mode(mode: str, ring: Ring) -> None:
    """Raise ValueError if an attention mode is unknown or does not fit the ring."""
    if mode not in ('SD', 'S', 'D', 'SDPA'):
        raise ValueError(
            f"attention mode must be 'SD', 'S', 'D' or 'SDPA', got {mode!r}"
        )
    if mode in ('SD', 'D') and not ring.dissimilar:
        raise ValueError(
            f'attention mode {mode!r} needs dissimilar edges, but a group of '
            f"{ring.size} images has none; use mode 'S'"
        )
