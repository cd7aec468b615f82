"""Tells the batch sampler which classes the model confuses."""

from typing import Any

import numpy as np
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmqcs.registry import HOOKS


@HOOKS.register_module()
class ConfusionHook(Hook):
    """Updates the confusion of a batch sampler with ``negative='confusion'``.

    During an epoch, the base logits of the training anchors are summed up on the
    device. After the epoch, the sums of all processes are added, and all samplers get
    the same confusion for the next epoch. So groups do not depend on how far workers
    read ahead, and the device is read once per epoch. Checkpoints contain the
    confusion as ``meta['confusion']``, and a resumed run continues with it.

    With SAM, only the passes at the unperturbed weights count. For all other samplers
    the hook does nothing.

    Examples:
        >>> from mmengine.config import Config
        >>> config = Config.fromfile('configs/qcs/qcs_ir-small_synthfer.py')
        >>> config.default_hooks.confusion  # part of default_runtime.py
        {'type': 'mmqcs.ConfusionHook'}
        >>> config.train_dataloader.batch_sampler.negative = 'confusion'
    """

    # before the second pass of SAMHook, and before checkpoints
    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._sampler: Any = None
        self._loaded: list[list[float]] | None = None
        self._written: Tensor
        self._sums: Tensor

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Read the confusion of a run that is resumed."""
        if runner._resume:
            self._loaded = checkpoint.get('meta', {}).get('confusion')

    def before_train(self, runner: Runner) -> None:
        """Connect the model with the sampler.

        Raises:
            TypeError: The model does not compute the confusion.
            ValueError: Training is not by epochs, or the confusion in the checkpoint
                has another number of classes.
        """
        sampler: Any = getattr(runner.train_dataloader, 'batch_sampler', None)
        if getattr(sampler, 'negative', None) != 'confusion':
            return
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                f"negative='confusion' in train_dataloader.batch_sampler changes after "
                f'each epoch, but {type(runner.train_loop).__name__} has none. Set '
                f'train_cfg.by_epoch=True'
            )
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, 'watch_confusion'):
            raise TypeError(
                f"negative='confusion' in train_dataloader.batch_sampler needs a "
                f"mmqcs.QCSClassifier, got {type(model).__name__}. Set 'natural' or "
                f"'uniform'"
            )
        self._written = model.watch_confusion()
        self._sums = self._written.new_zeros(self._written.shape)
        self._sampler = sampler
        sampler.hook_installed = True
        if self._loaded is not None:
            confusion = np.array(self._loaded)
            if confusion.shape != tuple(self._sums.shape):
                raise ValueError(
                    f'the checkpoint has a confusion of shape {confusion.shape}, but '
                    f'the model has {len(self._sums)} classes'
                )
            sampler.confusion = confusion

    def before_train_epoch(self, runner: Runner) -> None:
        """Start the sums of an epoch."""
        if self._sampler is not None:
            self._sums.zero_()

    def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Add the anchors of an iteration, on the device."""
        if self._sampler is not None:
            self._sums += self._written

    def after_train_epoch(self, runner: Runner) -> None:
        """Pass the confusion of the epoch in all processes to the sampler."""
        if self._sampler is not None:
            all_reduce(self._sums)
            sums = self._sums.cpu().numpy().astype(np.float64)
            self._sampler.update_confusion(sums)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the confusion that the sampler uses."""
        if self._sampler is not None and self._sampler.confusion is not None:
            checkpoint['meta']['confusion'] = self._sampler.confusion.tolist()
