"""Sharpness-aware minimisation around any optimiser."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.nn as nn
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmqcs.registry import OPTIM_WRAPPERS

from .autocast_optim_wrapper import AutocastOptimWrapper


class SAMMixin(OptimWrapper):
    """The two steps of SAM (Foret et al., ICLR 2021) around an ``OptimWrapper``.

    An update has two passes over the same batches. The *ascent* computes the gradient g
    at the weights w, and moves w to ``w + rho · g / (‖g‖ + 1e-12)``, with one norm over
    all parameters. The *descent* computes the gradient there, restores w, and lets the
    wrapped optimiser step with that gradient. With gradient accumulation, each pass
    covers all batches of the update. ``mmqcs.SAMHook`` repeats the batches.

    Args:
        rho: Radius of the ascent.
        adaptive: Whether to scale the ascent by the magnitude of the weights (ASAM,
            Kwon et al., ICML 2021).
        sync_ascent: Whether distributed processes average the ascent gradient, as the
            published runs do. If False, each process ascends by the gradient of its own
            batch ("m-sharpness"), which is a different algorithm.
        **kwargs: Arguments of the wrapped ``OptimWrapper``.

    Raises:
        ValueError: The radius is not positive.
        RuntimeError: On the first update, if ``mmqcs.SAMHook`` is not installed.
    """

    def __init__(
        self,
        rho: float = 0.05,
        adaptive: bool = False,
        sync_ascent: bool = True,
        **kwargs: Any,
    ) -> None:
        if not rho > 0:
            raise ValueError(f'rho must be > 0, got {rho}')
        super().__init__(**kwargs)
        self.rho = rho
        self.adaptive = adaptive
        self.sync_ascent = sync_ascent
        self.hook_installed = False
        self._ascent_batches = 0
        self._moved: list[Tensor] = []
        # of all parameters that ever had a gradient, allocated once
        self._weights: dict[Tensor, Tensor] = {}

    @property
    def descending(self) -> bool:
        """Whether the weights are perturbed and the next pass is the descent."""
        return bool(self._moved)

    @property
    def accumulating(self) -> bool:
        """Whether the ascent of an update has begun and is not complete."""
        return self._ascent_batches > 0

    def update_params(
        self, loss: Tensor, step_kwargs: Any = None, zero_kwargs: Any = None
    ) -> None:
        """Process the loss of one batch in the current pass; see ``OptimWrapper``."""
        if self.descending:
            super().update_params(loss, step_kwargs, zero_kwargs)
            return
        if not self.hook_installed:
            raise RuntimeError(
                f'{type(self).__name__} needs each batch twice. Add '
                f"dict(type='mmqcs.SAMHook') to custom_hooks in the config"
            )
        self.backward(self.scale_loss(loss))
        self._ascent_batches += 1
        if self.should_update():
            # The descent counts the same batches again, so that accumulation and the
            # loss factor of a last incomplete update are the same in both passes.
            if self._ascend():
                self._inner_count -= self._ascent_batches
            self._ascent_batches = 0
            self.zero_grad(**(zero_kwargs or {}))

    @torch.no_grad()
    def _ascend(self) -> bool:
        """Perturb the weights; return False if the update must be skipped."""
        params = [
            p
            for group in self.optimizer.param_groups
            for p in group['params']
            if p.grad is not None
        ]
        # The gradients are not needed afterwards: they become the perturbation.
        steps = [p.grad for p in params]
        magnitudes = torch._foreach_abs(params) if self.adaptive else None
        if magnitudes:
            torch._foreach_mul_(steps, magnitudes)
        norm = torch.nn.utils.get_total_norm(steps)
        if self._overflowed(norm):
            return False
        if magnitudes:
            torch._foreach_mul_(steps, magnitudes)
        torch._foreach_mul_(steps, self.rho / (norm + 1e-12))
        for p in params:
            if p not in self._weights:
                self._weights[p] = torch.empty_like(p)
        torch._foreach_copy_([self._weights[p] for p in params], params)
        torch._foreach_add_(params, steps)
        self._moved = params
        return True

    def _overflowed(self, norm: Tensor) -> bool:
        return False

    def step(self, **kwargs: Any) -> None:
        """Restore the weights, then step the wrapped optimiser."""
        with torch.no_grad():
            weights = [self._weights[p] for p in self._moved]
            torch._foreach_copy_(self._moved, weights)
        self._moved = []
        super().step(**kwargs)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """See MMEngine's ``OptimWrapper``; leave a local ascent unsynchronised."""
        local = not (self.sync_ascent or self.descending)
        unsynced = getattr(model, 'no_sync', nullcontext) if local else nullcontext
        with super().optim_context(model), unsynced():
            yield


@OPTIM_WRAPPERS.register_module()
class SAMOptimWrapper(SAMMixin, OptimWrapper):
    """SAM in full precision, for any model. In a config::

        optim_wrapper = dict(
            type='mmqcs.SAMOptimWrapper', rho=0.05,
            optimizer=dict(type='Adam', lr=3e-6))
        custom_hooks = [dict(type='mmqcs.SAMHook')]

    Args:
        **kwargs: Arguments of :class:`.SAMMixin` and of MMEngine's ``OptimWrapper``.

    Examples:
        >>> w = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> wrapper = SAMOptimWrapper(rho=5.0, optimizer=torch.optim.SGD([w], lr=0.25))
        >>> wrapper.hook_installed = True  # by SAMHook, which repeats the batch
        >>> wrapper.update_params((w**2).sum() / 2)  # ascent, by 5 · (3, 4) / 5
        >>> w.tolist()
        [6.0, 8.0]
        >>> wrapper.update_params((w**2).sum() / 2)  # back, and a step with this one
        >>> w.tolist()
        [1.5, 2.0]
    """


@OPTIM_WRAPPERS.register_module()
class SAMAmpOptimWrapper(SAMMixin, AutocastOptimWrapper):
    """SAM in mixed precision.

    The ascent depends on the direction of the gradient only, so a scaled gradient is
    not unscaled for it. If the gradient overflows on any process, all processes skip
    the whole update and lower the scale. So the CPU waits for the norm in each update.
    In bfloat16, which needs no scale, it does not.

    Args:
        **kwargs: Arguments of :class:`.SAMMixin` and of
            :class:`AutocastOptimWrapper`.

    Examples:
        >>> model = torch.nn.Linear(4, 2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> wrapper = SAMAmpOptimWrapper(rho=0.05, optimizer=optimizer)
        >>> with wrapper.optim_context(model):
        ...     loss = model(torch.rand(3, 4))
        >>> loss.dtype, wrapper.rho
        (torch.bfloat16, 0.05)
    """

    def _overflowed(self, norm: Tensor) -> bool:
        if not self.loss_scaler.is_enabled():
            return False
        finite = torch.isfinite(norm).float()
        if not self.sync_ascent:
            # Norms differ between processes. If one alone skipped the descent, the
            # others would wait for its gradients.
            all_reduce(finite, 'min')
        if finite:
            return False
        scale = self.loss_scaler.get_scale() * self.loss_scaler.get_backoff_factor()
        self.loss_scaler.update(self._scale_update_param or scale)
        return True
