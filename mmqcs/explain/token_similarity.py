"""Token weights and similarities of cross similarity attention."""

import math
from typing import NamedTuple

import torch
from mmpretrain.models import ImageClassifier
from torch import Tensor

from mmqcs.functional.similarity import (
    dissimilarity_map,
    edge_scores,
    pairwise_distance,
    sample_max,
    similarity_map,
)
from mmqcs.models.necks import CSANeck

from .attention import evaluating

__all__ = ['TokenSimilarity', 'csa_neck', 'csa_weights', 'token_similarity']


def csa_neck(model: ImageClassifier) -> CSANeck:
    """Return the cross similarity attention of a classifier.

    Args:
        model: ``QCSClassifier``, or a classifier whose neck is a ``CSANeck``.

    Raises:
        ValueError: The classifier has no cross similarity attention.

    Examples:
        >>> from mmqcs.apis import FaceClassifier
        >>> csa_neck(FaceClassifier('work_dirs/qcs.pth').model).num_levels
        3
    """
    for part in (getattr(model, 'cross', None), model):
        for name in ('attention', 'neck'):
            if isinstance(getattr(part, name, None), CSANeck):
                return getattr(part, name)
    raise ValueError(
        f'{type(model).__name__} has no cross similarity attention: mmqcs.CSANeck is '
        f'neither in a cross branch nor the neck'
    )


def _patch_tokens(model: ImageClassifier, images: Tensor) -> Tensor:
    """Return the input of the attention: base patch tokens, (N, L·T, C)."""
    if csa_neck(model) is model.neck:
        x = model.extract_feat(images, stage='backbone')[-1]
        return x.flatten(2).transpose(1, 2) if x.ndim == 4 else x
    return model.extract_feat(images)[-1][:, 1:]


def _on_grid(values: Tensor) -> Tensor:
    """Reshape (..., T) to (..., h, h)."""
    side = math.isqrt(values.size(-1))
    if side**2 != values.size(-1):
        raise ValueError(f'{values.size(-1)} tokens do not form a square grid')
    return values.unflatten(-1, (side, side))


@torch.no_grad()
def csa_weights(model: ImageClassifier, images: Tensor) -> Tensor:
    """Return the token weights of cross similarity attention for groups of images.

    The weight of a token is high if the token agrees with the similar partner of the
    image (modes 'S' and 'SD') and differs from its dissimilar partner ('D' and 'SD').
    As in training, distances are scaled by the maximum of the batch, depending on
    ``distance_range`` of the attention.

    Args:
        model: See :func:`csa_neck`; in any mode.
        images: Groups in branch-major order, preprocessed, (G·B, 3, H, W).

    Returns:
        (L, G, B, h, h), with levels from fine to coarse. The weights of one image and
        level sum to 1, so equal weights are 1 / h².

    Raises:
        ValueError: There is no such attention, its mode is 'SDPA', which has no token
            weights, the images do not form groups, or the tokens no square grid.

    Examples:
        >>> from mmqcs.apis import FaceClassifier
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> group = ('anchor.png', 'positive.png', 'negative.png', 'second.png')
        >>> images = classify.prepare([cv2.imread(name) for name in group])
        >>> csa_weights(classify.model, images).shape
        torch.Size([3, 4, 1, 4, 4])
    """
    attention = csa_neck(model)
    with evaluating(model):
        weights = attention.weights(_patch_tokens(model, images))
    return _on_grid(weights.transpose(0, 1).float())


class TokenSimilarity(NamedTuple):
    """Token scores of pairs of images, see :func:`token_similarity`.

    Attributes:
        first: Scores in the first image of each pair, (L, B, h, h).
        second: Scores in the second image, (L, B, h, h).

    Examples:
        >>> scores = TokenSimilarity(torch.ones(3, 1, 4, 4), torch.ones(3, 1, 4, 4))
        >>> first, second = (levels.mean(dim=0) for levels in scores)
        >>> first.shape  # one map per pair
        torch.Size([1, 4, 4])
    """

    first: Tensor
    second: Tensor


@torch.no_grad()
def token_similarity(
    model: ImageClassifier, first: Tensor, second: Tensor, differing: bool = False
) -> TokenSimilarity:
    """Score how much each token agrees with the other image of a pair, or differs.

    These are the scores ``r(M)`` of cross similarity attention, in the learned
    projection of each level, before the softmax that turns them into weights. The
    images of a pair can be of different classes. Scores do not depend on other pairs of
    the batch.

    Args:
        model: See :func:`csa_neck`; in any mode.
        first: First images, preprocessed, (B, 3, H, W).
        second: Second images, (B, 3, H, W).
        differing: Whether tokens that differ from the other image get high scores.

    Returns:
        Scores ≥ 0, with mean 1 over each image and level.

    Raises:
        ValueError: There is no such attention, the batches differ in size, or the
            tokens do not form a square grid.

    Examples:
        >>> from mmqcs.apis import FaceClassifier
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> pair = classify.prepare([cv2.imread('face.png'), cv2.imread('other.png')])
        >>> scores = token_similarity(classify.model, pair[:1], pair[1:])
        >>> scores.first.shape, round(float(scores.first.mean()), 3)
        (torch.Size([3, 1, 4, 4]), 1.0)
    """
    if first.shape != second.shape:
        raise ValueError(
            f'first and second must have the same shape, got {tuple(first.shape)} and '
            f'{tuple(second.shape)}'
        )
    attention = csa_neck(model)
    compare = dissimilarity_map if differing else similarity_map
    scores = []
    with evaluating(model):
        tokens = _patch_tokens(model, torch.cat((first, second)))
        pairs = tokens.unflatten(0, (2, -1)).chunk(attention.num_levels, dim=2)
        for level, pair in zip(attention.levels, pairs, strict=True):
            distance = pairwise_distance(level.embed(pair)[1], ((0, 1),))
            scores.append(edge_scores(compare(distance, sample_max))[0])
    grids = _on_grid(torch.stack(scores))  # (L, 2, B, h, h)
    grids = grids / grids.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    return TokenSimilarity(*grids.unbind(dim=1))
