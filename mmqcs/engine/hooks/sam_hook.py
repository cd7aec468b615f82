"""Repeats the batches of an update for the second pass of SAM."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn as nn
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqcs.engine.optim import SAMMixin, check_data_parallel
from mmqcs.registry import HOOKS


@HOOKS.register_module()
class SAMHook(Hook):
    """Runs ``train_step`` once more on each batch of an update, for SAM's descent.

    Works with every model, epoch- or iteration-based, and with gradient
    accumulation. Both passes see the very same preprocessed batch, so random
    batch augments are drawn once; dropout is drawn afresh. The logged losses are
    those of the first pass, at the weights themselves.

    Must come before hooks that read the updated weights (EMA, checkpoints), hence
    the priority.

    Examples:
        >>> from mmengine.config import Config
        >>> from mmengine.runner import Runner
        >>> config = Config.fromfile('configs/qcs/qcs_ir-small_synthfer.py')
        >>> config.optim_wrapper = dict(
        ...     type='mmqcs.SAMOptimWrapper', optimizer=dict(type='Adam', lr=1e-3)
        ... )
        >>> config.custom_hooks = [dict(type='mmqcs.SAMHook')]
        >>> config.train_cfg = dict(by_epoch=False, max_iters=2)
        >>> config.train_dataloader.batch_size = 2
        >>> config.param_scheduler = None
        >>> config.val_cfg = config.val_dataloader = config.val_evaluator = None
        >>> config.work_dir, config.log_level = 'work_dirs/sam', 'ERROR'
        >>> runner = Runner.from_cfg(config)
        >>> model = runner.train()
        >>> runner.iter  # of two passes each
        2
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._batches: list[Any] = []
        self._recording = False

    def before_train(self, runner: Runner) -> None:
        """Checks the set-up and starts to listen to the data preprocessor.

        Raises:
            TypeError: The optimiser wrapper is not SAM's, or the model is sharded
                (FSDP) or run by an engine of its own (DeepSpeed, ColossalAI), in
                which neither the norm nor the second pass would be right.
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
        """Stops listening."""
        self._handle.remove()

    def before_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Starts to record preprocessed batches."""
        self._recording = True

    def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Replays the recorded batches once the ascent is complete."""
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


@contextmanager
def _returning(module: nn.Module, output: Any) -> Iterator[None]:
    """Makes a module return a given output for as long as the context lasts."""
    module.forward = lambda *args, **kwargs: output
    try:
        yield
    finally:
        del module.forward
