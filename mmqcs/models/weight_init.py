"""Initialisation from weights that the user may or may not have."""

import logging
from pathlib import Path

import torch.nn as nn
from mmengine.logging import print_log
from mmengine.model import PretrainedInit

from mmqcs.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module()
class OptionalPretrained(PretrainedInit):
    """Loads weights if their file exists, otherwise warns and leaves the module alone.

    A recipe whose weights no program can download, such as those of IR-50 on
    MS-Celeb-1M, then still runs, from random weights.

    Args:
        checkpoint: Path of the file.
        prefix: Prefix of the keys of the module in the file, such as 'backbone.'.
        map_location: Where to load the weights.

    Examples:
        >>> from mmqcs.models import IRNet
        >>> weights = dict(type='mmqcs.OptionalPretrained', checkpoint='ir50.pth')
        >>> backbone = IRNet(depth=10, init_cfg=weights)
        >>> backbone.init_weights()  # no such file: a warning, and random weights
    """

    def __call__(self, module: nn.Module) -> None:
        """Initialise one module."""
        if Path(self.checkpoint).expanduser().is_file():
            super().__call__(module)
            return
        print_log(
            f'{self.checkpoint} does not exist: {type(module).__name__} starts from '
            f'random weights, with which the published accuracy is out of reach. See '
            f'configs/qcs/README.md for where the file comes from',
            logger='current',
            level=logging.WARNING,
        )
