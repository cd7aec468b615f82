"""Ends a run whose losses or weights are not finite."""

import math
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmqcs.registry import HOOKS

__all__ = ['FiniteHook', 'NotFiniteError']

ADVICE = (
    'Lower the learning rate, clip gradients (optim_wrapper.clip_grad), or check the '
    'inputs and the mean and std of the data_preprocessor'
)


class NotFiniteError(ArithmeticError):
    """A loss or a weight of a run is infinite or not a number."""


@HOOKS.register_module()
class FiniteHook(Hook):
    """Ends a run whose losses or weights are infinite or not a number.

    The losses of all iterations are checked, but together: every ``interval``
    iterations, at the end of an epoch, and before a validation or a save. So a GPU is
    not synchronised in each iteration. Weights are checked before they are saved, so
    no checkpoint of bad weights replaces a good one.

    Mixed precision may skip an update whose *gradients* overflow. That is not an
    error, and the hook does not look at gradients.

    Args:
        interval: Iterations between two checks of the losses.

    Raises:
        ValueError: ``interval`` is less than 1.
        NotFiniteError: In training: names the iteration and its losses, or the weight.

    Examples:
        >>> from types import SimpleNamespace
        >>> hook = FiniteHook(interval=1)
        >>> hook.after_train_iter(SimpleNamespace(iter=0), 0, outputs={'loss': 0.5})
        >>> bad = {'loss': torch.tensor(float('nan'))}
        >>> try:
        ...     hook.after_train_iter(SimpleNamespace(iter=1), 1, outputs=bad)
        ... except NotFiniteError as error:
        ...     print(str(error).partition('.')[0])
        the losses of iteration 2 are not finite: loss nan
    """

    # after EMAHook, which adds weights to a checkpoint, and before CheckpointHook
    priority = 'LOW'

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self._losses: list[tuple[int, dict[str, Any]]] = []

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Keep the losses of an iteration, and check those kept so far if it is time.

        Raises:
            NotFiniteError: A loss is infinite or not a number.
        """
        losses = {
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in (outputs or {}).items()
            if 'loss' in name
        }
        self._losses.append((runner.iter + 1, losses))
        if len(self._losses) >= self.interval:
            self._check_losses()

    def after_train_epoch(self, runner: Runner) -> None:
        """Check the losses."""
        self._check_losses()

    def before_val(self, runner: Runner) -> None:
        """Check the losses."""
        self._check_losses()

    def after_train(self, runner: Runner) -> None:
        """Check the losses."""
        self._check_losses()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the losses and the weights.

        Raises:
            NotFiniteError: One is infinite or not a number; nothing is saved.
        """
        self._check_losses()
        for part in ('state_dict', 'ema_state_dict'):
            for name, value in checkpoint.get(part, {}).items():
                if isinstance(value, Tensor) and not torch.isfinite(value).all():
                    raise NotFiniteError(
                        f'{name} in the {part} of the model is not finite in iteration '
                        f'{runner.iter + 1}, so no checkpoint is written and the last '
                        f'good one is kept. {ADVICE}'
                    )

    def _check_losses(self) -> None:
        kept, self._losses = self._losses, []
        values = [value for _, losses in kept for value in losses.values()]
        tensors = [value.float().mean() for value in values if torch.is_tensor(value)]
        numbers = [value for value in values if not torch.is_tensor(value)]
        finite = not tensors or bool(torch.isfinite(torch.stack(tensors)).all())
        if finite and all(map(math.isfinite, numbers)):
            return
        for iteration, losses in kept:
            numbers = {
                name: value.float().mean().item() if torch.is_tensor(value) else value
                for name, value in losses.items()
            }
            if not all(map(math.isfinite, numbers.values())):
                terms = ', '.join(
                    f'{name} {value:g}' for name, value in numbers.items()
                )
                raise NotFiniteError(
                    f'the losses of iteration {iteration} are not finite: {terms}. The '
                    f'run ends, and its last good checkpoint is kept. {ADVICE}'
                )
