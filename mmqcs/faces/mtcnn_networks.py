"""The three networks of MTCNN, with the weights that the package ``mtcnn`` installs.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks, 2016, figure 2. All networks take RGB images as float, (N, 3, H, W), scaled to
about -1 to 1 by :func:`normalise`.
"""

from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import torch
from torch import Tensor, nn


def normalise(images: Tensor) -> Tensor:
    """Scale images from 0–255 to the range of the networks."""
    return (images - 127.5) / 128


def _convolutions(
    channels: list[int], kernels: list[int], pools: list[int]
) -> nn.Sequential:
    """Return convolutions, each with its PReLU, and pooling where its size is not 0."""
    layers: list[nn.Module] = []
    for i, (kernel, pool) in enumerate(zip(kernels, pools, strict=True)):
        layers += [
            nn.Conv2d(channels[i], channels[i + 1], kernel),
            nn.PReLU(channels[i + 1]),
        ]
        if pool:
            layers.append(nn.MaxPool2d(pool, 2, ceil_mode=True))
    return nn.Sequential(*layers)


class PNet(nn.Module):
    """Proposal network: looks at every window of 12 × 12 pixels, 2 pixels apart."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _convolutions([3, 10, 16, 32], [3, 3, 3], [2, 0, 0])
        self.boxes = nn.Conv2d(32, 4, 1)
        self.faces = nn.Conv2d(32, 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets and probabilities of faces for all windows.

        The offsets (N, 4, h, w) are those of left, top, right and bottom, as fractions
        of the window; the probabilities are (N, h, w).
        """
        x = self.body(images)
        return self.boxes(x), self.faces(x).softmax(1)[:, 1]


class RNet(nn.Module):
    """Refinement network for crops of 24 × 24 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _convolutions([3, 28, 48, 64], [3, 3, 2], [3, 3, 0])
        self.dense = nn.Sequential(nn.Linear(576, 128), nn.PReLU(128))
        self.boxes = nn.Linear(128, 4)
        self.faces = nn.Linear(128, 2)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets (N, 4), as fractions of the crop, and probabilities (N,)."""
        x = self.dense(self.body(crops).flatten(1))
        return self.boxes(x), self.faces(x).softmax(1)[:, 1]


class ONet(nn.Module):
    """Output network for crops of 48 × 48 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _convolutions([3, 32, 64, 64, 128], [3, 3, 3, 2], [3, 3, 2, 0])
        self.dense = nn.Sequential(nn.Linear(1152, 256), nn.PReLU(256))
        self.boxes = nn.Linear(256, 4)
        self.points = nn.Linear(256, 10)
        self.faces = nn.Linear(256, 2)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return offsets (N, 4), probabilities (N,) and points (N, 5, 2).

        Points are x and y as fractions of the crop, offsets as in :class:`RNet`.
        """
        x = self.dense(self.body(crops).flatten(1))
        # all x, then all y
        points = self.points(x).reshape(-1, 2, 5).transpose(1, 2)
        return self.boxes(x), self.faces(x).softmax(1)[:, 1], points


def load_networks() -> tuple[PNet, RNet, ONet]:
    """Load the three networks with the weights of the installed package ``mtcnn``.

    Raises:
        ImportError: The package is missing, or contains other weights.
    """
    # the package itself needs TensorFlow, so it is not imported
    spec = find_spec('mtcnn')
    if spec is None or not spec.submodule_search_locations:
        raise ImportError('finding faces needs the weights of MTCNN: pip install mtcnn')
    folder = Path(next(iter(spec.submodule_search_locations)), 'assets', 'weights')
    networks = PNet(), RNet(), ONet()
    for network in networks:
        path = folder / f'{type(network).__name__.lower()}.lz4'
        try:
            _fill(network, joblib.load(path))
        except (OSError, ValueError, EOFError, RuntimeError) as error:
            raise ImportError(
                f'the package mtcnn has no weights of MTCNN in {path}: {error}; '
                f'install the tested version: pip install mtcnn==1.0.0'
            ) from error
        # twice as fast on a CPU
        network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return networks


def _fill(network: nn.Module, arrays: list[np.ndarray]) -> None:
    """Copy arrays in Keras's layout, in the order of the layers, into a network."""
    parameters = list(network.parameters())
    if len(parameters) != len(arrays):
        raise ValueError(f'{len(arrays)} arrays, not {len(parameters)}')
    maps = None  # channels of the last convolution
    for parameter, array in zip(parameters, arrays, strict=True):
        value = torch.from_numpy(array)
        if value.ndim == 4:  # height, width, in, out
            value, maps = value.permute(3, 2, 0, 1), value.shape[3]
        elif value.ndim == 3:  # PReLU: 1, 1, channels
            value = value.flatten()
        elif value.ndim == 2:
            value = value.T
            if maps is not None:  # after flattening maps with the order x, y, channel
                value = value.unflatten(1, (3, 3, maps)).permute(0, 3, 2, 1).flatten(1)
                maps = None
        if value.shape != parameter.shape:
            raise ValueError(f'an array has the shape {array.shape}')
        parameter.data.copy_(value)
