"""What the programs share that look at a trained classifier."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader, Runner
from mmengine.utils import track_iter_progress
from mmpretrain.models import ImageClassifier
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmqcs.checkpoints import checkpoint_classes
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.checkpoints.weights import load_inference_weights
from mmqcs.cli.options import (
    add_config_options,
    check_checkpoint,
    fail,
    load_config,
    restrict_loading,
)
from mmqcs.register import register_all_modules
from mmqcs.registry import MODELS
from mmqcs.runs.predictions import Predictions, prediction_rows

__all__ = [
    'TrainedModel',
    'add_model_arguments',
    'batches',
    'build_loader',
    'load_model',
    'predict',
    'shown_images',
]


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the config, the checkpoint and how to load them."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    parser.add_argument(
        '--device', default=get_device(), help='where to compute (default %(default)s)'
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='allow a checkpoint that holds more than weights and records of MMEngine; '
        'loading one runs the code that is in it',
    )
    add_config_options(parser)


@dataclass(frozen=True)
class TrainedModel:
    """A classifier with its weights, in evaluation mode.

    Args:
        config: Its config.
        model: The classifier.
        classes: Class names that its checkpoint gives, if it does.
        path: The config file, for messages.
    """

    config: Config
    model: ImageClassifier
    classes: tuple[str, ...] | None
    path: str

    def read_images(self, paths: list[Path]) -> Tensor:
        """Images as the network gets them in tests, (N, 3, H, W)."""
        loader = self.config.get('test_dataloader') or {}
        pipeline = loader.get('dataset', {}).get('pipeline')
        if not pipeline:
            fail(f'{self.path} has no test_dataloader with a pipeline')
        transform = Compose(pipeline)
        items = []
        for path in paths:
            if not path.is_file():
                fail(f'image not found: {path}')
            try:
                item = transform({'img_path': str(path)})
            except Exception as error:  # whatever a decoder raises
                reason = str(error).strip().splitlines() or [type(error).__name__]
                fail(f'{path} cannot be used as an image: {reason[0]}')
            items.append(item)
        batch = pseudo_collate(items)
        return self.model.data_preprocessor(batch)['inputs']

    def class_names(self, count: int) -> tuple[str, ...]:
        """Class names, or numbers where the checkpoint gives none."""
        return self.classes or tuple(str(i) for i in range(count))


def load_model(args: argparse.Namespace, needs_cross: bool = False) -> TrainedModel:
    """Build the classifier of a config and load its weights; fail in one line.

    Args:
        args: What :func:`add_model_arguments` gave.
        needs_cross: Whether the parts that serve in training only must be in the
            checkpoint, too.
    """
    config = load_config(args.config, args.cfg_options)
    if not config.get('model'):
        fail(f'{args.config} has no model')
    register_all_modules()
    init_default_scope(config.get('default_scope', 'mmpretrain'))
    check_checkpoint(args.checkpoint, args.trust_checkpoint)
    restrict_loading(args.trust_checkpoint)
    settings = dict(config.model)
    if preprocessor := config.get('data_preprocessor'):
        settings.setdefault('data_preprocessor', preprocessor)
    model = MODELS.build(settings)
    if not isinstance(model, ImageClassifier):
        fail(f'{args.config} holds a {type(model).__name__}, which is no classifier')
    try:
        checkpoint = CheckpointLoader.load_checkpoint(args.checkpoint, 'cpu')
        model.to(args.device)
    except (OSError, RuntimeError, ValueError) as error:
        fail(f'cannot load {args.checkpoint}: {str(error).splitlines()[0]}')
    try:
        meta = load_inference_weights(model, checkpoint, args.checkpoint, needs_cross)
        classes = checkpoint_classes(meta, args.checkpoint)
    except CheckpointError as error:
        fail(str(error))
    return TrainedModel(config, model.eval(), classes, args.config)


def build_loader(config: Config, phase: str, path: str, **changes: Any) -> DataLoader:
    """Build the data loader of a phase without workers; fail in one line.

    Args:
        config: The config.
        phase: ``'train'``, ``'val'`` or ``'test'``.
        path: The config file, for messages.
        **changes: Settings of the loader that replace those of the config.
    """
    settings = config.get(f'{phase}_dataloader')
    if not settings:
        fail(f'{path} has no {phase}_dataloader')
    settings = {**settings, 'num_workers': 0, 'persistent_workers': False, **changes}
    seed = (config.get('randomness') or {}).get('seed') or 0
    try:
        return Runner.build_dataloader(settings, seed=seed)
    except (OSError, ValueError) as error:
        fail(str(error))


def shown_images(preprocessor: nn.Module, inputs: Tensor) -> np.ndarray:
    """What the network sees, as pictures.

    Args:
        preprocessor: The data preprocessor, whose normalisation is undone.
        inputs: What it gave, (N, 3, H, W).

    Returns:
        RGB, uint8 (N, H, W, 3).
    """
    inputs = inputs.float()
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    pixels = inputs.round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()


def batches(loader: DataLoader) -> Iterator[dict]:
    """The batches of a loader, with a progress bar on stderr."""
    yield from track_iter_progress((iter(loader), len(loader)), file=sys.stderr)


@torch.no_grad()
def predict(trained: TrainedModel, loader: DataLoader) -> Predictions:
    """Predict a data set; fail where it has no labels.

    Args:
        trained: The classifier.
        loader: Its data.
    """
    rows = []
    for batch in batches(loader):
        rows += prediction_rows(trained.model.test_step(batch))
    if not rows:
        fail('the data set holds no images with one label each')
    classes = loader.dataset.metainfo.get('classes') or trained.classes
    return Predictions.from_rows(rows, classes)
