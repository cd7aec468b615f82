"""Cross similarity attention of given images, for looking at."""

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
    """The cross similarity attention of a classifier.

    Args:
        model: A ``QCSClassifier``, or a classifier with a ``CSANeck`` as its neck.

    Raises:
        ValueError: It has none.

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
        f'{type(model).__name__} has no cross similarity attention: neither a cross '
        f'branch with mmqcs.CSANeck, nor that as its neck'
    )


def _patch_tokens(model: ImageClassifier, images: Tensor) -> Tensor:
    """What the attention reads: base patch tokens, (N, L·T, C)."""
    if csa_neck(model) is model.neck:
        x = model.extract_feat(images, stage='backbone')[-1]
        return x.flatten(2).transpose(1, 2) if x.ndim == 4 else x
    return model.extract_feat(images)[-1][:, 1:]


def _on_grid(values: Tensor) -> Tensor:
    """(..., T) → (..., h, h)."""
    side = math.isqrt(values.size(-1))
    if side**2 != values.size(-1):
        raise ValueError(f'{values.size(-1)} tokens are no square grid')
    return values.unflatten(-1, (side, side))


@torch.no_grad()
def csa_weights(model: ImageClassifier, images: Tensor) -> Tensor:
    """Token weights of groups of images: what cross similarity attention picks.

    A weight is high where a token agrees with the image's similar partner (in mode
    'S' and 'SD') and differs from its dissimilar one (in 'D' and 'SD'). As in
    training the distances are scaled by the largest of the batch, if the attention's
    ``distance_range`` says so.

    Args:
        model: See :func:`csa_neck`; its mode does not matter.
        images: Groups in branch-major order, as the data preprocessor gives them,
            (G·B, 3, H, W).

    Returns:
        (L, G, B, h, h), L levels from the finest; the weights of an image and a level
        sum to 1, so 1 / h² is that of all tokens alike.

    Raises:
        ValueError: There is no such attention, its mode is 'SDPA', which has no
            weight of a token, the images are not made of groups, or the tokens no
            square grid.

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
        levels = attention.split(_patch_tokens(model, images))
        weights = [
            level.weights(tokens)
            for level, tokens in zip(attention.levels, levels, strict=True)
        ]
    return _on_grid(torch.stack(weights).float())


class TokenSimilarity(NamedTuple):
    """How the tokens of two images compare, see :func:`token_similarity`.

    Attributes:
        first: Of the first image of each pair, (L, B, h, h).
        second: Of the second, (L, B, h, h).

    Examples:
        >>> scores = TokenSimilarity(torch.ones(3, 1, 4, 4), torch.ones(3, 1, 4, 4))
        >>> first, second = (levels.mean(dim=0) for levels in scores)
        >>> first.shape  # a map for each pair
        torch.Size([1, 4, 4])
    """

    first: Tensor
    second: Tensor


@torch.no_grad()
def token_similarity(
    model: ImageClassifier, first: Tensor, second: Tensor, differing: bool = False
) -> TokenSimilarity:
    """Which tokens of two images agree with the other one, or differ from it.

    The scores ``r(M)`` of cross similarity attention, in the projection that each
    level has learnt, before the softmax that makes weights of them. Pairs need not be
    of one class, and a pair's scores do not depend on the others of the batch.

    Args:
        model: See :func:`csa_neck`; its mode does not matter.
        first: As the data preprocessor gives them, (B, 3, H, W).
        second: What each is compared with, (B, 3, H, W).
        differing: Whether tokens that differ from the other image score high.

    Returns:
        Scores ≥ 0, whose mean over an image and a level is 1.

    Raises:
        ValueError: There is no such attention, the batches are of different sizes, or
            the tokens no square grid.

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
            f'pairs need as many first as second images of one size, got '
            f'{tuple(first.shape)} and {tuple(second.shape)}'
        )
    attention = csa_neck(model)
    compare = dissimilarity_map if differing else similarity_map
    scores = []
    with evaluating(model):
        tokens = _patch_tokens(model, torch.cat((first, second)))
        pairs = tokens.unflatten(0, (2, -1)).chunk(attention.num_levels, dim=2)
        for level, pair in zip(attention.levels, pairs, strict=True):
            distance = pairwise_distance(level.project(pair), ((0, 1),))
            scores.append(edge_scores(compare(distance, sample_max))[0])
    grids = _on_grid(torch.stack(scores))  # (L, 2, B, h, h)
    grids = grids / grids.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    return TokenSimilarity(*grids.unbind(dim=1))
