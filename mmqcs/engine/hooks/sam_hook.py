"""Repeats the batches of an update for the second pass of SAM."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn as nn
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqcs.engine.optim.sam_optim_wrapper import SAMMixin
from mmqcs.registry import HOOKS

# by name, so that none of the packages need be installed
_SHARDING = ('FullySharded', 'FSDPModule', 'DeepSpeed', 'ColossalAI')


@HOOKS.register_module()
class SAMHook(Hook):
    """Runs ``train_step`` a second time on each batch of an update, for SAM's descent.

    It works with every model, in epoch-based and iteration-based training, and with
    gradient accumulation. Both passes see the same preprocessed batch, so random
    erasing and batch augmentation are drawn once. Dropout is drawn again. The logged
    losses are those of the first pass, at the unperturbed weights.

    Examples:
        >>> from mmengine.config import Config
        >>> config = Config.fromfile('configs/qcs/qcs_ir-small_synthfer.py')
        >>> config.optim_wrapper.type = 'mmqcs.SAMOptimWrapper'
        >>> config.custom_hooks = [dict(type='mmqcs.SAMHook')]
    """

    # before hooks that read the updated weights, such as EMAHook
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._batches: list[Any] = []
        self._recording = False

    def before_train(self, runner: Runner) -> None:
        """Check the set-up, and record the output of the data preprocessor from now on.

        Raises:
            TypeError: The optimiser wrapper is not for SAM, or the model is sharded.
        """
        if not isinstance(runner.optim_wrapper, SAMMixin):
            raise TypeError(
                f'SAMHook needs mmqcs.SAMOptimWrapper or mmqcs.SAMAmpOptimWrapper as '
                f'optim_wrapper, got {type(runner.optim_wrapper).__name__}'
            )
        check_data_parallel(runner.model)
        runner.optim_wrapper.hook_installed = True
        self._handle = self._preprocessor(runner).register_forward_hook(self._record)

    def after_train(self, runner: Runner) -> None:
        """Stop recording."""
        self._handle.remove()

    def before_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Start to record preprocessed batches."""
        self._recording = True

    def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Repeat the recorded batches once the ascent is complete."""
        self._recording = False
        wrapper = runner.optim_wrapper
        if wrapper.descending:
            preprocessor = self._preprocessor(runner)
            for batch in self._batches:
                with _returning(preprocessor, batch):
                    runner.model.train_step(batch, optim_wrapper=wrapper)
        if not wrapper.accumulating:
            self._batches.clear()

    def _record(self, module: nn.Module, args: tuple, output: Any) -> None:
        if self._recording:
            self._batches.append(output)

    @staticmethod
    def _preprocessor(runner: Runner) -> nn.Module:
        model = runner.model
        return (model.module if is_model_wrapper(model) else model).data_preprocessor


def check_data_parallel(model: nn.Module) -> None:
    """Refuse a model whose gradients SAM cannot take the norm of.

    Under FSDP, each process holds a part of each gradient, but the ascent needs the
    norm of all of it. DeepSpeed and ColossalAI step through their own engines, which do
    not know about a second pass.
    """
    names = [base.__name__ for base in type(model).__mro__]
    if any(mark in name for mark in _SHARDING for name in names):
        raise TypeError(
            f'SAM does not run under {names[0]}: train with data parallelism '
            f'(MMDistributedDataParallel, or strategy DDPStrategy), or without SAM'
        )


@contextmanager
def _returning(module: nn.Module, output: Any) -> Iterator[None]:
    """Make a module return the given output within the context."""
    module.forward = lambda *args, **kwargs: output
    try:
        yield
    finally:
        del module.forward
