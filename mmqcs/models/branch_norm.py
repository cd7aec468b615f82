"""BatchNorm whose statistics are taken a branch at a time, in one pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


class _BranchMixin:
    """Normalises the branches of a group by statistics of their own.

    In training and inside :func:`branch_statistics` the batch, (G·B, C, ...), is
    normalised as G passes of B images would be, one after the other: the running
    statistics come out the same, too. Elsewhere this is the class underneath.

    Raises:
        ValueError: In training, a batch that is not made of groups.
    """

    branches = 1

    def forward(self, x: Tensor) -> Tensor:
        if self.branches == 1 or not self.training:
            return super().forward(x)
        if len(x) % self.branches:
            raise ValueError(
                f'BatchNorm takes statistics of {self.branches} branches and got a '
                f'batch of {len(x)} images, which is not made of groups of '
                f'{self.branches}'
            )
        if torch.compiler.is_compiling() and self.momentum is not None and self.affine:
            return self._fused(x)
        normalise = super().forward
        return torch.cat([normalise(branch) for branch in x.chunk(self.branches)])

    def _fused(self, x: Tensor) -> Tensor:
        # The same in one reduction and one elementwise pass, once compiled.
        groups = x.unflatten(0, (self.branches, -1)).float()
        over = [dim for dim in range(groups.ndim) if dim not in (0, 2)]
        variance, mean = torch.var_mean(groups, over, correction=0)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        shape = (self.branches, 1, -1) + (1,) * (groups.ndim - 3)
        if self.track_running_stats:
            with torch.no_grad():
                count = groups.numel() // (self.branches * groups.size(2))
                unbiased = variance * (count / (count - 1))
                for branch in range(self.branches):
                    self.running_mean.lerp_(mean[branch], self.momentum)
                    self.running_var.lerp_(unbiased[branch], self.momentum)
                self.num_batches_tracked.add_(self.branches)
        out = groups * scale.view(shape) + shift.view(shape)
        return out.flatten(0, 1).to(x.dtype)


class BranchBatchNorm1d(_BranchMixin, nn.BatchNorm1d):
    """``BatchNorm1d`` of the branches of a group."""


class BranchBatchNorm2d(_BranchMixin, nn.BatchNorm2d):
    """``BatchNorm2d`` of the branches of a group."""


class BranchBatchNorm3d(_BranchMixin, nn.BatchNorm3d):
    """``BatchNorm3d`` of the branches of a group."""


_BRANCHED: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: BranchBatchNorm1d,
    nn.BatchNorm2d: BranchBatchNorm2d,
    nn.BatchNorm3d: BranchBatchNorm3d,
}


def convert_branch_norm(module: nn.Module) -> None:
    """Makes every BatchNorm in a module able to take statistics branch by branch.

    The modules stay the same objects, with their weights, names and hooks.
    """
    for child in module.modules():
        if type(child) in _BRANCHED:
            child.__class__ = _BRANCHED[type(child)]


@contextmanager
def branch_statistics(module: nn.Module, branches: int) -> Iterator[None]:
    """Takes statistics over each of G branches for as long as the context lasts.

    Args:
        module: Converted by :func:`convert_branch_norm`.
        branches: Images of a group, G.
    """
    norms = [child for child in module.modules() if isinstance(child, _BranchMixin)]
    for norm in norms:
        norm.branches = branches
    try:
        yield
    finally:
        for norm in norms:
            norm.branches = 1


def recompute(module: nn.Module, *args: Any, when: bool = True, **kwargs: Any) -> Any:
    """Calls a module by checkpointing: its activations are computed twice, not kept.

    The repetition, in the backward pass, takes the statistics of as many branches as
    the first pass did, and leaves the running statistics alone.

    Args:
        module: What is called; BatchNorm of any kind may be in it.
        *args: Passed to it.
        when: False calls it in the plain way, ``with_cp`` of the parts.
        **kwargs: Passed to it.
    """
    if not when or not torch.is_grad_enabled():
        return module(*args, **kwargs)
    contexts = partial(_contexts, module)
    return checkpoint(module, *args, use_reentrant=False, context_fn=contexts, **kwargs)


def _contexts(module: nn.Module) -> tuple[AbstractContextManager, ...]:
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    return nullcontext(), _Repetition({m: getattr(m, 'branches', 1) for m in norms})


class _Repetition:
    """Lets modules see their branches again; may be entered more than once.

    ``torch.compile`` of PyTorch 2.4 enters it again where it falls back.
    """

    def __init__(self, branches: dict[nn.Module, int]) -> None:
        self.branches = branches
        self.before: list[dict[nn.Module, tuple[int, dict[str, Tensor | None]]]] = []

    def __enter__(self) -> None:
        self.before.append(
            {m: (getattr(m, 'branches', 1), dict(m._buffers)) for m in self.branches}
        )
        for norm, number in self.branches.items():
            norm.branches = number
            for name, buffer in norm.named_buffers(recurse=False):
                setattr(norm, name, buffer.clone())  # for the repetition to update

    def __exit__(self, *_: object) -> None:
        for norm, (number, buffers) in self.before.pop().items():
            norm.branches = number
            norm._buffers.update(buffers)


def needs_passes(module: nn.Module) -> bool:
    """Whether branches must still go through a module one pass each.

    True where a normalisation computes statistics of its batch and is not one
    that :func:`convert_branch_norm` knows, such as ``SyncBatchNorm``.
    """
    return any(
        isinstance(child, _BatchNorm)
        and not isinstance(child, _BranchMixin)
        and (child.training or not child.track_running_stats)
        for child in module.modules()
    )
