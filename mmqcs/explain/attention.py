"""Maps of the evidence for a class in single images."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmpretrain.models import ImageClassifier
from torch import Tensor


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Set evaluation mode, and restore the old mode at the end."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def attention_map(
    model: ImageClassifier, images: Tensor, labels: Tensor | None = None
) -> Tensor:
    """Return maps of the evidence for a class, by gradient × activation.

    The logit of the class is linearised around the feature maps of the backbone, which
    makes it a sum over all positions of all maps. The contributions of a position are
    added up over the levels, and negative sums are set to 0.

    Blurring the maximum of this map lowers the probability of the class more than with
    Grad-CAM, which uses only the last map, or with the attention of the class token
    (see :func:`blur_brightest`). For a network with one map, average pooling and a
    linear head, the map equals Grad-CAM.

    Vision transformers are cut after the first norm of the last layer, the last point
    where patch tokens influence the class token. Before that norm, which ignores the
    length of a token, all contributions would be 0.

    Args:
        model: Classifier, in any mode.
        images: Output of the data preprocessor, (N, 3, H, W).
        labels: Class of each image, (N,). Defaults to the predicted class.

    Returns:
        Float (N, h, w) from 0 to 1. The maximum of each map is 1 unless the map is 0.
        The grid is that of the middle level, or that of the patches.

    Raises:
        ValueError: The backbone neither returns feature maps nor is a vision
            transformer with a square grid of patches.

    Examples:
        >>> from mmqcs.apis import FaceClassifier
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> images = classify.prepare([cv2.imread('face.png')])  # (1, 3, 64, 64)
        >>> maps = attention_map(classify.model, images)
        >>> maps.shape, float(maps.max())
        (torch.Size([1, 16, 16]), 1.0)
    """
    with evaluating(model):
        with torch.no_grad():
            features = model.backbone(images)
        with torch.enable_grad():
            if all(x.ndim == 4 for x in features):
                leaves = [x.detach().requires_grad_() for x in features]
                inputs = tuple(leaves)
                logits = model.head(model.neck(inputs) if model.with_neck else inputs)
            else:
                leaf, logits = _cut_last_layer(model, images)
                leaves = [leaf]
            if labels is None:
                labels = logits.argmax(dim=1)
            chosen = logits.gather(1, labels.view(-1, 1)).sum()
            # a stock neck may use only the last map
            gradients = torch.autograd.grad(chosen, leaves, allow_unused=True)
    precise = torch.promote_types(images.dtype, torch.float32)
    parts = [
        (x.detach() * gradient).sum(dim=1 if x.ndim == 4 else 2, dtype=precise)
        for x, gradient in zip(leaves, gradients, strict=True)
        if gradient is not None
    ]
    if parts[0].ndim == 2:
        # without the class token and similar
        extra = getattr(model.backbone, 'num_extra_tokens', 0)
        parts = [square_grid(parts[0][:, extra:])]
    side = parts[len(parts) // 2].shape[-2:]
    total = torch.stack([share_out(part, side) for part in parts]).sum(dim=0).relu()
    largest = total.amax(dim=(1, 2), keepdim=True)
    return torch.where(largest > 0, total / largest, 0).float()


def _cut_last_layer(model: ImageClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the normalised tokens of the last layer of a ViT, and the logits."""
    layers = getattr(model.backbone, 'layers', None)
    norms: list[nn.Module] = []
    if isinstance(layers, nn.ModuleList):
        norms = [m for m in layers[-1].modules() if isinstance(m, nn.LayerNorm)]
    if not norms:
        raise ValueError(
            f'{type(model.backbone).__name__} neither returns feature maps '
            f'(N, C, H, W) nor is a vision transformer of MMPretrain, so it has no '
            f'attention map'
        )
    leaves: list[Tensor] = []

    def cut(norm: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[0]

    handle = norms[0].register_forward_hook(cut)
    try:
        logits = model(images)
    finally:
        handle.remove()
    return leaves[0], logits


def square_grid(values: Tensor) -> Tensor:
    """Reshape (..., h²) to (..., h, h)."""
    side = math.isqrt(values.size(-1))
    if side**2 != values.size(-1):
        raise ValueError(f'{values.size(-1)} tokens do not form a square grid')
    return values.unflatten(-1, (side, side))


def share_out(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample values (N, h, w) to a finer or coarser grid, preserving their sum."""
    height, width = values.shape[-2:]
    whole = values.unsqueeze(1)
    if height > size[0]:
        resized = F.adaptive_avg_pool2d(whole, size)
    else:
        resized = F.interpolate(whole, size, mode='bilinear', align_corners=False)
    return resized.squeeze(1) * (height * width / (size[0] * size[1]))


def blur_brightest(images: Tensor, maps: Tensor, fraction: float) -> Tensor:
    """Blur the pixels of each image where its map is brightest.

    If a map is right, the probability of the class falls, and by more than if as many
    random pixels are blurred.

    Args:
        images: (N, 3, H, W), like the result.
        maps: (N, h, w).
        fraction: Fraction of the pixels to blur, from 0 to 1.

    Examples:
        >>> images, maps = torch.rand(2, 3, 64, 64), torch.rand(2, 8, 8)
        >>> hidden = blur_brightest(images, maps, 0.2) != images
        >>> round(float(hidden.float().mean()), 2)
        0.2
    """
    size = images.shape[-2:]
    heat = F.interpolate(maps.unsqueeze(1), size, mode='bilinear', align_corners=False)
    order = heat.flatten(1).argsort(dim=1, descending=True, stable=True)
    count = round(fraction * order.size(1))
    hidden = torch.zeros_like(order, dtype=torch.bool)
    hidden.scatter_(1, order[:, :count], True)
    reach = min(size) // 6
    padded = F.pad(images, (reach,) * 4, mode='reflect')
    blurred = F.avg_pool2d(padded, 2 * reach + 1, stride=1)
    return torch.where(hidden.view(-1, 1, *size), blurred, images)
