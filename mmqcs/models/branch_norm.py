"""BatchNorm whose statistics are taken a branch at a time, in one pass."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm


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
        normalise = super().forward
        return torch.cat([normalise(branch) for branch in x.chunk(self.branches)])


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
