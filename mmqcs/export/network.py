"""The inference path of a classifier."""

import torch
from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.models.heads import ClsHead
from torch import Tensor, nn

from mmqcs.registry import MODELS

from .errors import ExportError

__all__ = ['InferenceNet', 'build_classifier', 'predict']


class InferenceNet(nn.Module):
    """Backbone, neck and head alone, giving scores.

    Args:
        model: Trained classifier. It is changed: BatchNorm is folded into the convs
            before it.
    """

    def __init__(self, model: ImageClassifier) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.neck = model.neck
        self.head = model.head
        fuse_conv_bn(self)
        self.eval()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Classifies images.

        Args:
            inputs: Normalised images, (B, 3, height, width).

        Returns:
            Scores, which sum to 1, and logits, (B, classes) each.
        """
        feats = self.backbone(inputs)
        if self.neck is not None:
            feats = self.neck(feats)
        logits = self.head(feats)
        return logits.softmax(dim=1), logits


def build_classifier(config: Config) -> ImageClassifier:
    """Builds the model of a config for inference in float32, without weights.

    Args:
        config: A whole config.

    Raises:
        ExportError: It is no ``ImageClassifier`` with a head for one label an image.
    """
    settings = dict(config.model)
    if settings.get('compile'):
        settings['compile'] = False
    settings.setdefault('data_preprocessor', config.get('data_preprocessor'))
    model = MODELS.build(settings)
    if not isinstance(model, ImageClassifier):
        raise ExportError(
            f'the model is a {type(model).__name__}; only an ImageClassifier of '
            f'MMPretrain, such as QCSClassifier, can be exported'
        )
    if not isinstance(model.head, ClsHead):
        raise ExportError(
            f'the head is a {type(model.head).__name__}, which does not give one '
            f'label an image as ClsHead of MMPretrain and its children do'
        )
    return model.eval()


@torch.inference_mode()
def predict(model: ImageClassifier, inputs: Tensor) -> Tensor:
    """Scores as the classifier itself gives them in a test.

    Args:
        model: The classifier before anything is folded.
        inputs: Normalised images, (B, 3, height, width).

    Returns:
        (B, classes).
    """
    samples = model(inputs, mode='predict')
    return torch.stack([sample.pred_score for sample in samples])
