"""Ends a run whose losses or weights are not finite."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmqcs.registry import HOOKS

from .runtime_info_hook import RuntimeInfoHook

ADVICE = (
    'Lower the learning rate, clip gradients (optim_wrapper.clip_grad), or check the '
    'inputs and the mean and std of the data_preprocessor'
)


class NotFiniteError(ArithmeticError):
    """A loss or a weight of a run is infinite or not a number."""


@HOOKS.register_module()
class FiniteHook(Hook):
    """Ends a run whose losses or weights are infinite or not a number.

    The losses of every iteration are checked. With :class:`RuntimeInfoHook`, they are
    checked together when that hook fetches them from the GPU, which is at the latest
    before the next log line, validation or checkpoint. With MMEngine's, they are
    checked in each iteration. Weights are checked before they are saved, so a
    checkpoint of bad weights never replaces a good one.

    Mixed precision may skip an update whose *gradients* overflow. This is not an error,
    and the hook does not look at gradients.

    Raises:
        NotFiniteError: In training: names the iteration and its losses, or the weight.

    Examples:
        >>> hook = FiniteHook()
        >>> hook.check(2, {'loss': torch.tensor(0.5)})
        >>> try:
        ...     hook.check(3, {'loss': torch.tensor(float('nan'))})
        ... except NotFiniteError as error:
        ...     print(str(error).partition('.')[0])
        the losses of iteration 3 are not finite: loss nan
    """

    # after EMAHook, which adds weights to a checkpoint, and before CheckpointHook
    priority = 'LOW'

    def __init__(self) -> None:
        self._reads = False

    def before_train(self, runner: Runner) -> None:
        """Ask for the losses that are fetched for the log."""
        for hook in runner.hooks:
            if isinstance(hook, RuntimeInfoHook):
                hook.readers.append(self.check)
                self._reads = True

    def after_train_iter(
        self, runner: Runner, batch_idx: int, outputs: Any = None, **_: Any
    ) -> None:
        """Check the losses, unless :class:`RuntimeInfoHook` hands them over later."""
        if not self._reads:
            self.check(runner.iter + 1, outputs or {})

    def check(self, iteration: int, scalars: Mapping[str, float | Tensor]) -> None:
        """Check the losses among the outputs of an iteration, counted from 1."""
        losses = {
            name: value.item() if isinstance(value, Tensor) else value
            for name, value in scalars.items()
            if 'loss' in name
        }
        if not all(map(math.isfinite, losses.values())):
            terms = ', '.join(f'{name} {value:g}' for name, value in losses.items())
            raise NotFiniteError(
                f'the losses of iteration {iteration} are not finite: {terms}. The run '
                f'ends, and its last good checkpoint is kept. {ADVICE}'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights; an error prevents the save."""
        for part in ('state_dict', 'ema_state_dict'):
            for name, value in checkpoint.get(part, {}).items():
                if isinstance(value, Tensor) and not torch.isfinite(value).all():
                    raise NotFiniteError(
                        f'{name} in the {part} of the model is not finite in iteration '
                        f'{runner.iter + 1}, so no checkpoint is written and the last '
                        f'good one is kept. {ADVICE}'
                    )
