"""Distances ranged over all processes, against one process with all groups."""

import pytest
import torch
from ranks import on_ranks
from torch.nn.parallel import DistributedDataParallel

from mmqcs.models import CSANeck

GROUPS = 4


def csa(distance_range='world'):
    torch.manual_seed(0)
    neck = CSANeck(embed_dims=8, num_levels=2, distance_range=distance_range)
    with torch.no_grad():
        for level in neck.levels:
            level.theta.fill_(0.3)
    return neck


def tokens():
    """Groups of different spread, so that each process has another maximum."""
    torch.manual_seed(1)
    spread = torch.arange(1.0, GROUPS + 1).view(1, GROUPS, 1, 1)
    return torch.randn(4, GROUPS, 6, 8) * spread


def refine(neck, x):
    """Refined tokens, and gradients of their mean square."""
    x = x.clone().requires_grad_()
    refined = neck(  # in training: the tokens + the refined tokens
        (x.flatten(0, 1),)
    )[0].unflatten(0, (4, -1))
    refined.square().mean().backward()
    weights = {n.removeprefix('module.'): p.grad for n, p in neck.named_parameters()}
    return refined.detach(), x.grad, weights


def world_rank(rank, world, distance_range):
    neck = DistributedDataParallel(csa(distance_range))
    share = GROUPS // world
    return refine(neck, tokens()[:, rank * share : (rank + 1) * share])


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 4])
def test_range_over_processes(tmp_path, world):
    parts = on_ranks(world_rank, world, tmp_path, 'world')
    refined, inputs, weights = refine(csa(), tokens())
    torch.testing.assert_close(torch.cat([p[0] for p in parts], dim=1), refined)
    # a process takes the mean over its share: world times the joint gradient
    shares = torch.cat([p[1] for p in parts], dim=1)
    torch.testing.assert_close(shares / world, inputs)
    for part in parts:
        torch.testing.assert_close(part[2], weights)


@pytest.mark.slow
def test_range_over_a_process_by_itself(tmp_path):
    """The published 'batch': every process like one with its groups alone."""
    parts = on_ranks(world_rank, 2, tmp_path, 'batch')
    for rank, part in enumerate(parts):
        alone = refine(csa('batch'), tokens()[:, 2 * rank : 2 * rank + 2])
        torch.testing.assert_close(part[0], alone[0])
        torch.testing.assert_close(part[1], alone[1])
    refined, _, _ = refine(csa('batch'), tokens())
    assert not torch.allclose(torch.cat([p[0] for p in parts], dim=1), refined)
