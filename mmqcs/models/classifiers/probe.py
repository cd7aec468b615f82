"""Finds out what feature maps a backbone gives."""

import torch
import torch.nn as nn


@torch.no_grad()
def probe_backbone(
    backbone: nn.Module, input_size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Runs a backbone once on a blank image.

    Args:
        backbone: Module from (1, 3, H, W) to a tuple of maps (1, C, h, w).
        input_size: Side of the image.

    Returns:
        Channels and strides of the maps.

    Raises:
        ValueError: An output is not a map.
    """
    training = backbone.training
    backbone.eval()
    outputs = backbone(torch.zeros(1, 3, input_size, input_size))
    backbone.train(training)
    for x in outputs:
        if x.ndim != 4:
            raise ValueError(
                f'{type(backbone).__name__} gives an output of shape {tuple(x.shape)} '
                f'instead of a feature map (B, C, H, W). Of a vision transformer, ask '
                f"for maps with out_type='featmap'"
            )
    strides = tuple(round(input_size / x.shape[-1]) for x in outputs)
    return tuple(x.shape[1] for x in outputs), strides
