"""Arguments, data and progress of programs that inspect a trained classifier."""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmqcs.checkpoints import LoadedClassifier, load_classifier
from mmqcs.cli.options import add_config_options, fail, load_config
from mmqcs.cli.progress import track
from mmqcs.register import register_all_modules

__all__ = [
    'add_model_arguments',
    'batches',
    'build_loader',
    'load_model',
    'shown_images',
]


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the config, the checkpoint and the device."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    parser.add_argument(
        '--device', default=get_device(), help='device to use (default %(default)s)'
    )
    add_config_options(parser)


def load_model(args: argparse.Namespace, with_cross: bool = False) -> LoadedClassifier:
    """Load the classifier that the command line names, or fail in one line.

    Args:
        args: Values of the arguments of :func:`add_model_arguments`.
        with_cross: Whether the checkpoint must hold the train-only parts as well.
    """
    config = load_config(args.config, args.cfg_options)
    register_all_modules()
    init_default_scope(config.get('default_scope', 'mmpretrain'))
    try:
        return load_classifier(
            config, args.checkpoint, device=args.device, with_cross=with_cross
        )
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such device
        fail(str(error).splitlines()[0])


def build_loader(config: Config, phase: str, **changes: Any) -> DataLoader:
    """Build the data loader of a phase without workers, or fail in one line.

    Args:
        config: The config.
        phase: ``'train'``, ``'val'`` or ``'test'``.
        **changes: Settings of the loader that replace those of the config.
    """
    settings = config.get(f'{phase}_dataloader')
    if not settings:
        fail(f'{config.filename} has no {phase}_dataloader')
    settings = {**settings, 'num_workers': 0, 'persistent_workers': False, **changes}
    seed = (config.get('randomness') or {}).get('seed') or 0
    try:
        return Runner.build_dataloader(settings, seed=seed)
    except (OSError, ValueError) as error:
        fail(str(error))


def shown_images(preprocessor: nn.Module, inputs: Tensor) -> np.ndarray:
    """Return what the network sees as images that can be shown.

    Args:
        preprocessor: Data preprocessor, whose normalisation is undone.
        inputs: Output of the preprocessor, (N, 3, H, W).

    Returns:
        RGB, uint8 (N, H, W, 3).
    """
    inputs = inputs.float()
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    pixels = inputs.round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()


def batches(loader: DataLoader) -> Iterator[dict]:
    """Yield the batches of a loader, with a progress bar on stderr."""
    yield from track(loader, 'batches')
