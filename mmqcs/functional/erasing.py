"""Random erasing (Zhong et al., AAAI 2020) of a whole batch."""

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
    """Draw a box for each image, distributed as in torchvision's ``RandomErasing``.

    Up to ten boxes are drawn for an image. The first that is smaller than the image is
    taken.

    Args:
        count: Number of images, B.
        height: H of the images in pixels.
        width: W of the images in pixels.
        p: Probability that an image is erased.
        scale: Range of the box's area as a fraction of the image's; uniform.
        ratio: Range of the box's height divided by its width; its logarithm is uniform.
        generator: Source of randomness; the boxes are drawn on its device.

    Returns:
        Top, left, bottom and right of each box, the last two exclusive, int64 (B, 4);
        all zero for images that are not erased.
    """
    device = generator.device
    draws = torch.rand(5, count, _ATTEMPTS, generator=generator, device=device)
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
    return boxes[torch.arange(count, device=device), first] * erased.unsqueeze(1)


def erase(images: Tensor, boxes: Tensor, value: float, step: int = 1) -> Tensor:
    """Fill a box of each image with a value.

    Args:
        images: (B, C, H, W).
        boxes: Top, left, bottom, right on a grid ``step`` times as fine, (B, 4).
        value: Value of the erased pixels, in all channels.
        step: Pixel (r, c) of an image is point (step · r, step · c) of the grid.

    Returns:
        A copy of the images.
    """
    _, _, height, width = images.shape
    top, left, bottom, right = boxes[:, :, None].unbind(dim=1)
    y = torch.arange(0, step * height, step, device=boxes.device)
    x = torch.arange(0, step * width, step, device=boxes.device)
    rows = (top <= y) & (y < bottom)
    columns = (left <= x) & (x < right)
    mask = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(mask, value)
