"""Arguments, data and progress of programs that inspect a trained classifier."""

import argparse
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseDataPreprocessor
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader

from mmqcs.checkpoints import LoadedClassifier, load_classifier
from mmqcs.cli.options import add_config_options, fail, failing_on, load_config
from mmqcs.register import register_all_modules

T = TypeVar('T')


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the config, the checkpoint and the device."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    parser.add_argument(
        '--device', default=get_device(), help='device to use (default %(default)s)'
    )
    add_config_options(parser)


def load_model(args: argparse.Namespace, with_cross: bool = False) -> LoadedClassifier:
    """Load the classifier that the command line names, or fail in one line."""
    config = load_config(args.config, args.cfg_options)
    register_all_modules()
    init_default_scope(config.get('default_scope', 'mmpretrain'))
    with failing_on(OSError, RuntimeError, ValueError):  # RuntimeError: no such device
        return load_classifier(
            config, args.checkpoint, device=args.device, with_cross=with_cross
        )


def build_loader(config: Config, phase: str, **changes: Any) -> DataLoader:
    """Build the data loader of a phase without workers, or fail in one line.

    The changes replace settings of the loader.
    """
    settings = config.get(f'{phase}_dataloader')
    if not settings:
        fail(f'{config.filename} has no {phase}_dataloader')
    settings = {**settings, 'num_workers': 0, 'persistent_workers': False, **changes}
    seed = (config.get('randomness') or {}).get('seed') or 0
    with failing_on(OSError, ValueError):
        return Runner.build_dataloader(settings, seed=seed)


def shown_images(preprocessor: BaseDataPreprocessor, inputs: Tensor) -> np.ndarray:
    """Undo the normalisation of inputs (N, 3, H, W): RGB, uint8 (N, H, W, 3)."""
    inputs = inputs.float()
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    pixels = inputs.round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()


def by_group(kinds: Sequence[Sequence[T]], branches: int) -> list[T]:
    """Order items that come branch by branch in rows: one per group and kind."""
    groups = np.arange(len(kinds[0])).reshape(branches, -1).T
    return [kind[i] for group in groups for kind in kinds for i in group]
