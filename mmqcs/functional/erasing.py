"""Boxes of random erasing (Zhong et al., AAAI 2020) for a whole batch."""

import math

import torch
from torch import Generator, Tensor

_ATTEMPTS = 10


def erase_boxes(
    count: int,
    height: int,
    width: int,
    p: float,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: Generator,
) -> Tensor:
    """Draws a box for each image, as torchvision's ``RandomErasing`` does.

    Up to ten boxes are drawn for an image, of which the first that is smaller than
    the image is taken.

    Args:
        count: Images, B.
        height: H of the images in pixels.
        width: W of the images in pixels.
        p: Probability that an image is erased at all.
        scale: Range of the box's area as a share of the image's, uniform.
        ratio: Range of the box's height over its width, uniform in the logarithm.
        generator: Source of randomness, on the CPU.

    Returns:
        Top, left, bottom, right (both exclusive) of each box, (B, 4), all zero
        where nothing is erased.
    """
    draws = torch.rand(5, count, _ATTEMPTS, generator=generator)
    area = height * width * (scale[0] + draws[0] * (scale[1] - scale[0]))
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + draws[1] * (high - low))
    h = torch.sqrt(area * aspect).round().long()
    w = torch.sqrt(area / aspect).round().long()
    fits = (h < height) & (w < width)
    top = (draws[2] * (height - h + 1)).long()
    left = (draws[3] * (width - w + 1)).long()
    boxes = torch.stack((top, left, top + h, left + w), dim=-1)
    first = fits.int().argmax(dim=1)
    erased = fits.any(dim=1) & (draws[4, :, 0] < p)
    return boxes[torch.arange(count), first] * erased.unsqueeze(1)


def box_mask(boxes: Tensor, height: int, width: int, step: int = 1) -> Tensor:
    """Which pixels of (H, W) images lie in a box of each.

    Args:
        boxes: Top, left, bottom, right on a grid ``step`` times as fine, (B, 4).
        height: H.
        width: W.
        step: Pixel (r, c) of an image is point (step · r, step · c) of the grid.

    Returns:
        Boolean, (B, 1, H, W).
    """
    top, left, bottom, right = boxes[:, :, None].unbind(dim=1)
    y = step * torch.arange(height, device=boxes.device)
    x = step * torch.arange(width, device=boxes.device)
    rows = (top <= y) & (y < bottom)
    columns = (left <= x) & (x < right)
    return (rows[:, :, None] & columns[:, None, :]).unsqueeze(1)
