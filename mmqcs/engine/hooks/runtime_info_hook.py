"""Collects the scalars of training without waiting for the GPU."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from mmengine.hooks import LoggerHook
from mmengine.hooks import RuntimeInfoHook as StockRuntimeInfoHook
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from mmqcs.registry import HOOKS


@HOOKS.register_module()
class RuntimeInfoHook(StockRuntimeInfoHook):
    """MMEngine's ``RuntimeInfoHook`` that fetches scalars from the GPU together.

    The stock hook fetches each loss in each iteration, so that the GPU waits for the
    CPU and the CPU for the GPU. This one keeps them on the device, ``grad_norm`` of
    ``clip_grad`` included, and adds them to the message hub with one copy when the
    ``LoggerHook`` is due, at the end of an epoch, and before a validation or a
    checkpoint. The hub then holds the same values for each iteration.

    A hook of yours that reads losses from the message hub in other iterations does not
    find them there yet. It can take them from ``outputs``.

    Set it as ``default_hooks.runtime_info``.

    Examples:
        >>> from mmqcs.registry import HOOKS
        >>> default_hooks = dict(runtime_info=dict(type='mmqcs.RuntimeInfoHook'))
        >>> HOOKS.build(default_hooks['runtime_info']).readers
        []
    """

    # after SAMHook, whose second pass clips gradients, and before LoggerHook
    priority = 'ABOVE_NORMAL'

    def __init__(self) -> None:
        self.readers: list[Callable[[int, Mapping[str, float]], None]] = []
        """Called with the number and the scalars of each iteration, once fetched."""
        self._interval = 10
        self._norms: dict[str, Tensor] = {}
        self._pending: list[_Scalars] = []

    def before_train(self, runner: Runner) -> None:
        """Find out when the logger is due, and take over the norms of gradients."""
        super().before_train(runner)
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                self._interval = hook.interval
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper) and wrapper.clip_grad_kwargs:
            self._keep_norms(wrapper)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, outputs: Any = None, **_: Any
    ) -> None:
        """Keep the scalars of an iteration, and fetch all if the logger is due."""
        self._pending.append(_Scalars(runner.iter + 1, self._norms | (outputs or {})))
        self._norms = {}
        if self.every_n_inner_iters(batch_idx, self._interval) or self.end_of_epoch(
            runner.train_dataloader, batch_idx
        ):
            self._fetch(runner)

    def before_val(self, runner: Runner) -> None:
        """Fetch the scalars; see MMEngine for the rest."""
        self._fetch(runner)
        super().before_val(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Fetch the scalars, and put them in the checkpoint."""
        if self._pending:
            self._fetch(runner)
            # the runner has copied the hub before
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def after_train(self, runner: Runner) -> None:
        """Fetch the scalars; see MMEngine for the rest."""
        self._fetch(runner)
        super().after_train(runner)

    def _fetch(self, runner: Runner) -> None:
        pending, self._pending = self._pending, []
        packed = [scalars.packed for scalars in pending if scalars.packed is not None]
        values = iter(torch.cat(packed).tolist() if packed else ())
        histories: dict[str, list[float]] = {}
        for scalars in pending:
            for name, value in scalars.values.items():
                if value is None:
                    value = scalars.values[name] = next(values)
                histories.setdefault(f'train/{name}', []).append(value)
        for name, history in histories.items():
            _extend(runner.message_hub, name, history)
        for scalars in pending:
            for read in self.readers:
                read(scalars.iteration, scalars.values)

    def _keep_norms(self, wrapper: OptimWrapper) -> None:
        clip = wrapper.clip_func

        def clip_and_keep(*args: Any, **kwargs: Any) -> None:
            norm = clip(*args, **kwargs)
            if norm is not None:
                self._norms[wrapper.grad_name] = norm

        # MMEngine fetches what the function returns, unless it returns None.
        wrapper.clip_func = clip_and_keep


def _extend(hub: MessageHub, name: str, values: list[float]) -> None:
    hub.update_scalar(name, values[0])
    if len(values) > 1:
        # one by one, each would copy the history of the whole run
        history, counts = hub.get_scalar(name).data
        ones = np.ones(len(values) - 1, dtype=int)
        hub.log_scalars[name] = HistoryBuffer(
            np.append(history, values[1:]), np.append(counts, ones)
        )


class _Scalars:
    """Scalars of one iteration, those on a device packed into one tensor.

    They are copied at once, because a model may return a view of a parameter or of
    memory that its next forward pass overwrites.
    """

    def __init__(self, iteration: int, scalars: dict[str, Any]) -> None:
        tensors = {k: v.detach() for k, v in scalars.items() if isinstance(v, Tensor)}
        self.iteration = iteration
        self.values: dict[str, Any] = {
            k: None if k in tensors else v for k, v in scalars.items()
        }
        self.packed: Tensor | None = None
        if tensors:
            device = next(iter(tensors.values())).device
            self.packed = torch.stack(
                [v.reshape(()).to(device, non_blocking=True) for v in tensors.values()]
            )
