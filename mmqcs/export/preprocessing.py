"""From faces to what the network takes, as a module that can be exported."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.geometry import CenterCrop, Resize, Step, Subsample, apply_steps

from .errors import ExportError
from .graph_resize import SUPPORTED, resize

__all__ = ['FacePreprocessor', 'check_steps']


def check_steps(steps: tuple[Step, ...]) -> None:
    """Raises unless a graph can hold the steps and gives images of one size.

    Args:
        steps: What the test pipeline does to a face.

    Raises:
        ExportError: Says what cannot be held.
    """
    if not steps or not isinstance(steps[0], Resize):
        raise ExportError('the test pipeline does not begin by a resizing to one size')
    first, *rest = steps
    if (first.backend, first.interpolation) not in SUPPORTED:
        raise ExportError(f'a graph cannot hold {first}')
    for step in rest:
        if not isinstance(step, CenterCrop | Subsample):
            raise ExportError(f'a graph cannot hold {step} after the resizing')


class FacePreprocessor(nn.Module):
    """Resizes, crops, orders the channels and normalises.

    Args:
        description: Of the model. Its steps are done if ``graph_input`` is
            ``'faces'``; if it is ``'pixels'`` they were done before.

    Raises:
        ExportError: A graph cannot hold the steps.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, description: ModelDescription) -> None:
        super().__init__()
        self.resizing: Resize | None = None
        if description.graph_input == 'faces':
            check_steps(description.steps)
            self.resizing, *rest = description.steps
            rows, columns = _kept(self.resizing, rest)
            self.register_buffer('rows', rows)
            self.register_buffer('columns', columns)
        self.swap_channels = description.swap_channels
        mean = torch.tensor(description.mean or (0.0, 0.0, 0.0))
        std = torch.tensor(description.std or (1.0, 1.0, 1.0))
        self.register_buffer('mean', mean[:, None, None])
        self.register_buffer('std', std[:, None, None])

    def pixels(self, faces: Tensor) -> Tensor:
        """Resizes and crops.

        Args:
            faces: uint8 (B, H, W, 3).

        Returns:
            (B, 3, height, width), whole numbers 0 to 255.
        """
        images = faces.permute(0, 3, 1, 2)
        if self.resizing is None:
            return images
        return resize(images.double(), self.resizing, self.rows, self.columns)

    def forward(self, faces: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) → float32 (B, 3, height, width)."""
        images = self.pixels(faces).float()
        if self.swap_channels:
            images = images.flip(1)
        return (images - self.mean) / self.std


def _kept(resizing: Resize, steps: Sequence[Step]) -> tuple[Tensor, Tensor]:
    """Rows and columns of the resized image that the other steps leave."""
    size = resizing.height, resizing.width
    rows, columns = (
        torch.from_numpy(apply_steps(places[..., None], steps)[..., 0])
        for places in np.indices(size)
    )
    return rows[:, 0].double(), columns[0].double()
