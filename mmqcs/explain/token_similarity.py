"""Token weights and similarities of cross similarity attention."""

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
from mmqcs.models import CSANeck

from .attention import evaluating, square_grid


def csa_neck(model: ImageClassifier) -> CSANeck:
    """Return the cross similarity attention of a classifier.

    Args:
        model: ``QCSClassifier``, or a classifier whose neck is a ``CSANeck``.

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
        ValueError: The mode of the attention is 'SDPA', which has no token weights.

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
    return square_grid(weights.transpose(0, 1).float())


@torch.no_grad()
def token_similarity(
    model: ImageClassifier, first: Tensor, second: Tensor, differing: bool = False
) -> tuple[Tensor, Tensor]:
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
        Scores of the first and of the second images, (L, B, h, h) each, ≥ 0, with mean
        1 over each image and level.

    Examples:
        >>> from mmqcs.apis import FaceClassifier
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> pair = classify.prepare([cv2.imread('face.png'), cv2.imread('other.png')])
        >>> first, second = token_similarity(classify.model, pair[:1], pair[1:])
        >>> first.shape, round(float(first.mean()), 3)
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
    grids = square_grid(torch.stack(scores))  # (L, 2, B, h, h)
    grids = grids / grids.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    of_first, of_second = grids.unbind(dim=1)
    return of_first, of_second
