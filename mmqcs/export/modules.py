"""Modules of PyTorch that an exported file consists of."""

import torch
import torch.nn.functional as F
from mmcv.cnn import fuse_conv_bn
from mmpretrain.models import ImageClassifier
from torch import Tensor, nn

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.steps import CenterCrop, Resize, Step, Subsample

from .checks import ExportError

_RESIZING = {('cv2', 'bilinear'), ('cv2', 'area'), ('pillow', 'bilinear')}


class InferenceNet(nn.Module):
    """Backbone, neck and head of a classifier, whose BatchNorm is folded in place."""

    def __init__(self, model: ImageClassifier) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.neck = model.neck
        self.head = model.head
        self.mirror = getattr(model, 'mirror', False)
        fuse_conv_bn(self)
        # torch.export takes channels-last weights for views of other tensors
        self.to(memory_format=torch.contiguous_format).eval()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores and logits, (B, classes) each, of normalised images."""
        if self.mirror:
            inputs = torch.cat([inputs, inputs.flip(-1)])
        feats = self.backbone(inputs)
        if self.neck is not None:
            feats = self.neck(feats)
        logits = self.head(feats)
        if self.mirror:
            logits = logits.unflatten(0, (2, -1)).mean(dim=0)
        return logits.softmax(dim=1), logits


def check_steps(steps: tuple[Step, ...] | None) -> None:
    """Raise an error if a graph cannot perform the steps."""
    if not steps or not isinstance(steps[0], Resize):
        raise ExportError('the test pipeline does not start with a resize to one size')
    first, rest = steps[0], steps[1:]
    if (first.backend, first.interpolation) not in _RESIZING:
        raise ExportError(f'a graph cannot perform {first}')
    for step in rest:
        if not isinstance(step, CenterCrop | Subsample):
            raise ExportError(f'a graph cannot perform {step} after the resize')


class FacePreprocessor(nn.Module):
    """Resize, crop, reorder the channels, and normalise.

    The steps of the description are already done unless its ``graph_input`` is
    ``'faces'``. Pixels can differ from those of OpenCV and Pillow by a level or two of
    255, since both libraries compute with integers.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, description: ModelDescription) -> None:
        super().__init__()
        self.steps: tuple[Step, ...] = ()
        if description.graph_input == 'faces':
            check_steps(description.steps)
            self.steps = description.steps or ()
        self.swap_channels = description.swap_channels
        mean = torch.tensor(description.mean or (0.0, 0.0, 0.0))
        std = torch.tensor(description.std or (1.0, 1.0, 1.0))
        self.register_buffer('mean', mean[:, None, None])
        self.register_buffer('std', std[:, None, None])

    def forward(self, faces: Tensor) -> Tensor:
        """Turn uint8 (B, H, W, 3) into float32 (B, 3, height, width)."""
        images = faces.permute(0, 3, 1, 2).float()
        if self.steps:
            resizing, *rest = self.steps
            # the other steps take (H, W, ...)
            images = _resize(images, resizing).permute(2, 3, 0, 1)  # type: ignore[arg-type]
            for step in rest:
                images = step(images)  # type: ignore[arg-type, assignment]
            images = images.permute(2, 3, 0, 1)
        if self.swap_channels:
            images = images.flip(1)
        return (images - self.mean) / self.std


def _resize(images: Tensor, step: Resize) -> Tensor:
    """Resize images, (B, C, H, W)."""
    size = step.height, step.width
    if step.interpolation == 'area':
        rows = _shares(images.shape[2], step.height)
        columns = _shares(images.shape[3], step.width)
        return _levels(rows @ images @ columns.T)
    if step.backend == 'cv2':
        return _levels(F.interpolate(images, size, mode='bilinear'))
    # Pillow widens its filter to reduce an image, and rounds after each axis
    for part in ((images.shape[2], step.width), size):
        images = _levels(F.interpolate(images, part, mode='bilinear', antialias=True))
    return images


def _levels(images: Tensor) -> Tensor:
    # Halves are frequent (48 to 72 pixels); the bias keeps all runtimes on one side.
    return (images + 0.501).floor()


def _shares(length: int, size: int) -> Tensor:
    """Return the share of each old pixel in each new one, (size, length).

    ``F.interpolate(mode='area')`` averages whole pixels, OpenCV also parts of them.
    """
    old = torch.arange(length)
    new = torch.arange(size)[:, None]
    scale = (old[-1:] + 1) / size  # a tensor, since length may be symbolic
    end = torch.minimum((new + 1) * scale, old + 1)
    return (end - torch.maximum(new * scale, old)).clamp(min=0) / scale
