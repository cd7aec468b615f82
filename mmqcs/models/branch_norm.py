"""BatchNorm that normalises each branch of a group by its own statistics."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

# One operator for all branches keeps the number of dispatched operations, and so the
# time that the host needs, independent of the number of branches.
_LIBRARY = torch.library.Library('mmqcs', 'DEF')
_LIBRARY.define(
    'branch_batch_norm(Tensor x, Tensor weight, Tensor bias, '
    'Tensor(a!) running_mean, Tensor(b!) running_var, int branches, '
    'float momentum, float eps) -> (Tensor, Tensor, Tensor)'
)
_LIBRARY.define(
    'branch_batch_norm_backward(Tensor grad, Tensor x, Tensor weight, Tensor mean, '
    'Tensor inverse_std, float eps, bool[3] mask) -> (Tensor?, Tensor?, Tensor?)'
)


def _forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    branches: int,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    out = torch.empty_like(x)
    dtype = torch.promote_types(x.dtype, torch.float32)
    mean = x.new_empty((branches, x.size(1)), dtype=dtype)
    inverse_std = torch.empty_like(mean)
    # In branch order: each branch updates the running statistics after the previous.
    for branch in zip(
        x.chunk(branches), out.chunk(branches), mean, inverse_std, strict=True
    ):
        torch.native_batch_norm(
            branch[0],
            weight,
            bias,
            running_mean,
            running_var,
            True,
            momentum,
            eps,
            out=branch[1:],
        )
    return out, mean, inverse_std


def _backward(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    mean: Tensor,
    inverse_std: Tensor,
    eps: float,
    mask: list[bool],
) -> tuple[Tensor | None, ...]:
    branches = len(mean)
    parts = [
        torch.ops.aten.native_batch_norm_backward(
            g, x, weight, None, None, m, s, True, eps, mask
        )
        for g, x, m, s in zip(
            grad.chunk(branches), x.chunk(branches), mean, inverse_std, strict=True
        )
    ]
    grad_x, grad_weight, grad_bias = zip(*parts, strict=True)
    return (
        torch.cat(grad_x) if mask[0] else None,
        torch.stack(grad_weight).sum(dim=0) if mask[1] else None,
        torch.stack(grad_bias).sum(dim=0) if mask[2] else None,
    )


_LIBRARY.impl('branch_batch_norm', _forward, 'CompositeExplicitAutograd')
_LIBRARY.impl('branch_batch_norm_backward', _backward, 'CompositeExplicitAutograd')


class _BranchBatchNorm(torch.autograd.Function):
    """Autograd of the operator above; arguments as there."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, *rest: Any
    ) -> Tensor:
        out, mean, inverse_std = torch.ops.mmqcs.branch_batch_norm(
            x, weight, bias, *rest
        )
        ctx.save_for_backward(x, weight, mean, inverse_std)
        ctx.eps = rest[-1]
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grads = torch.ops.mmqcs.branch_batch_norm_backward(
            grad, *ctx.saved_tensors, ctx.eps, ctx.needs_input_grad[:3]
        )
        return (*grads, None, None, None, None, None)


class BranchBatchNorm2d(nn.BatchNorm2d):
    """Normalises the branches of a group by their own statistics.

    In training and inside :func:`branch_statistics` a batch (G·B, C, H, W) is
    normalised as G consecutive batches of B images would be, which also gives the
    same running statistics. Otherwise this is the base class.

    Raises:
        ValueError: In training, if the batch is not made of groups.
    """

    # as convert_branch_norm selects the layers
    momentum: float
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    branches = 1
    # Counters that branch_statistics advances all at once, if it is active.
    counters: list[Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        if self.branches == 1 or not self.training:
            return super().forward(x)
        if len(x) % self.branches:
            raise ValueError(
                f'BatchNorm got a batch of {len(x)} images, which is not made of '
                f'groups of {self.branches}'
            )
        if torch.compiler.is_compiling():
            return self._traced(x)
        if self.counters is None:
            self.num_batches_tracked.add_(self.branches)
        else:
            self.counters.append(self.num_batches_tracked)
        return _BranchBatchNorm.apply(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            self.running_var,
            self.branches,
            self.momentum,
            self.eps,
        )

    def _traced(self, x: Tensor) -> Tensor:
        """Equivalent for the compiler: one reduction, and one pass over the pixels."""
        groups = x.unflatten(0, (self.branches, -1)).float()
        variance, mean = torch.var_mean(groups, (1, 3, 4), correction=0)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        with torch.no_grad():
            count = groups.numel() // (self.branches * groups.size(2))
            unbiased = variance * (count / (count - 1))
            for branch in range(self.branches):
                self.running_mean.lerp_(mean[branch], self.momentum)
                self.running_var.lerp_(unbiased[branch], self.momentum)
            self.num_batches_tracked.add_(self.branches)
        shape = self.branches, 1, -1, 1, 1
        out = groups * scale.view(shape) + shift.view(shape)
        return out.flatten(0, 1).to(x.dtype)


def convert_branch_norm(module: nn.Module) -> None:
    """Make the BatchNorm layers in a module able to take statistics per branch.

    The layers keep their identity, weights, names and hooks. Layers without weights or
    running statistics, or with a cumulative average, are left alone, and so are those
    of other classes; see :func:`needs_passes`.
    """
    for child in module.modules():
        usual = type(child) is nn.BatchNorm2d and child.affine
        if usual and child.track_running_stats and child.momentum is not None:
            # The class is swapped in place: a new module would lose hooks, and
            # whoever holds a reference to the old one would not see it.
            child.__class__ = BranchBatchNorm2d


@contextmanager
def branch_statistics(module: nn.Module, branches: int) -> Iterator[None]:
    """Take statistics over each of G branches while the context is active.

    Args:
        module: Converted by :func:`convert_branch_norm`.
        branches: Images per group, G.
    """
    norms = [
        child for child in module.modules() if isinstance(child, BranchBatchNorm2d)
    ]
    counters: list[Tensor] = []
    for norm in norms:
        norm.branches, norm.counters = branches, counters
    try:
        yield
    finally:
        for norm in norms:
            norm.branches, norm.counters = 1, None
        if counters:
            torch._foreach_add_(counters, branches)


def recompute(module: nn.Module, *args: Any, when: bool = True, **kwargs: Any) -> Any:
    """Call a module with activation checkpointing.

    The second forward pass, run by the backward pass, uses the same number of
    branches as the first and does not update the running statistics again.

    Args:
        module: Module to call; it may contain any kind of BatchNorm.
        *args: Its arguments.
        when: Whether to checkpoint; False calls the module directly.
        **kwargs: Its keyword arguments.
    """
    if not when or not torch.is_grad_enabled():
        return module(*args, **kwargs)
    contexts = partial(_contexts, module)
    return checkpoint(module, *args, use_reentrant=False, context_fn=contexts, **kwargs)


def _contexts(
    module: nn.Module,
) -> tuple[AbstractContextManager, AbstractContextManager]:
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    return nullcontext(), _repetition({m: getattr(m, 'branches', 1) for m in norms})


@contextmanager
def _repetition(branches: dict[nn.Module, int]) -> Iterator[None]:
    before = {m: (getattr(m, 'branches', 1), dict(m._buffers)) for m in branches}
    for norm, number in branches.items():
        norm.branches = number  # type: ignore[assignment]
        # Copies take the second update of the running statistics.
        for name, buffer in norm.named_buffers(recurse=False):
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, (number, buffers) in before.items():
            norm.branches = number  # type: ignore[assignment]
            norm._buffers.update(buffers)


def needs_passes(module: nn.Module) -> bool:
    """Return whether each branch needs its own forward pass.

    This is the case if a normalisation computes batch statistics and is not one that
    :func:`convert_branch_norm` knows, such as ``SyncBatchNorm``.
    """
    return any(
        isinstance(child, _BatchNorm)
        and not isinstance(child, BranchBatchNorm2d)
        and (child.training or not child.track_running_stats)
        for child in module.modules()
    )
