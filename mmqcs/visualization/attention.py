"""What a classifier looks at in single images."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmpretrain.models import ImageClassifier
from torch import Tensor

__all__ = ['attention_map', 'blur_brightest', 'evaluating']


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Puts a model into evaluation mode for as long as the context lasts.

    Args:
        model: The model; afterwards it is in the mode in which it was.

    Examples:
        >>> model = torch.nn.Dropout().train()
        >>> with evaluating(model):
        ...     model.training
        False
        >>> model.training
        True
    """
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def attention_map(
    model: ImageClassifier, images: Tensor, labels: Tensor | None = None
) -> Tensor:
    """Where in an image a classifier finds its class.

    Gradient × activation: the logit of the class, taken as linear around what the
    backbone gives for the image, is a sum over the places of all maps of the
    backbone. The parts that a place has in it through all levels are added up, and
    places that speak against the class are set to 0.

    Grad-CAM would take the last map alone, and average its gradient, although all
    levels of the pyramid lead to the tokens; the attention of the class token is the
    same for all classes, and its grid no finer than the tokens. On drawn faces, to blur
    what this map marks lowers the probability of the class more than with either of
    them (:func:`blur_brightest`). Of a network with one map, average pooling and a
    linear head it is Grad-CAM. Nothing beyond PyTorch is needed.

    A vision transformer is cut behind the first norm of its last layer, the last place
    where patch tokens still act on the class token. (Before the norm, which takes no
    notice of the length of a token, the parts would all be 0.)

    Args:
        model: The classifier; its mode does not matter.
        images: As the data preprocessor gives them, (N, 3, H, W).
        labels: Class of each image, (N,). Defaults to the predicted one.

    Returns:
        Float (N, h, w) from 0 to 1, the largest of each image 1 unless all are 0. The
        grid is that of the middle level, finer than that of the tokens; of a vision
        transformer that of its patches.

    Raises:
        ValueError: The backbone gives neither maps nor is it a vision transformer with
            a square grid of patches.

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
            # a stock neck may leave all maps but the last unused
            gradients = torch.autograd.grad(chosen, leaves, allow_unused=True)
    precise = torch.promote_types(images.dtype, torch.float32)
    parts = [
        (x.detach() * gradient).sum(dim=1 if x.ndim == 4 else 2, dtype=precise)
        for x, gradient in zip(leaves, gradients, strict=True)
        if gradient is not None
    ]
    if parts[0].ndim == 2:
        parts = [_patch_grid(parts[0], model.backbone)]
    side = parts[len(parts) // 2].shape[-2:]
    total = torch.stack([share_out(part, side) for part in parts]).sum(dim=0).relu()
    largest = total.amax(dim=(1, 2), keepdim=True)
    return torch.where(largest > 0, total / largest, 0).float()


def _cut_last_layer(model: ImageClassifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised tokens in the last layer of a vision transformer, and the logits."""
    layers = getattr(model.backbone, 'layers', None)
    norms: list[nn.Module] = []
    if isinstance(layers, nn.ModuleList):
        norms = [m for m in layers[-1].modules() if isinstance(m, nn.LayerNorm)]
    if not norms:
        raise ValueError(
            f'{type(model.backbone).__name__} gives neither feature maps (N, C, H, W) '
            f'nor is it a vision transformer of MMPretrain, so there is no map of what '
            f'it looks at'
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


def _patch_grid(tokens: Tensor, backbone: nn.Module) -> Tensor:
    """(N, extra + h²) → (N, h, h), without class token and the like."""
    patches = tokens[:, getattr(backbone, 'num_extra_tokens', 0) :]
    side = math.isqrt(patches.size(1))
    if side**2 != patches.size(1):
        raise ValueError(f'{patches.size(1)} patches are no square grid')
    return patches.unflatten(1, (side, side))


def share_out(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Brings values on a grid to another one, where the sides divide with their sum.

    Args:
        values: (N, h, w).
        size: The other grid, finer or coarser.

    Returns:
        (N, *size).
    """
    height, width = values.shape[-2:]
    whole = values.unsqueeze(1)
    if height > size[0]:
        resized = F.adaptive_avg_pool2d(whole, size)
    else:
        resized = F.interpolate(whole, size, mode='bilinear', align_corners=False)
    return resized.squeeze(1) * (height * width / (size[0] * size[1]))


def blur_brightest(images: Tensor, maps: Tensor, fraction: float) -> Tensor:
    """Hides the brightest part of each image by blurring it.

    The probability of a class must fall when what it rests on is hidden, and more
    than when as many random pixels are: this tells a true map from a nice one.

    Args:
        images: (N, 3, H, W).
        maps: (N, h, w).
        fraction: Part of the pixels that is hidden, 0 to 1.

    Returns:
        (N, 3, H, W).

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
