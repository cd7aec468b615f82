"""SAM and CSA over two processes, against one process that sees everything."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel

from mmqcs.engine import SAMOptimWrapper
from mmqcs.models import CSANeck

RHO, LR = 0.1, 0.1
X = torch.arange(8.0).reshape(4, 2) / 5
Y = torch.tensor([0.3, -1.0, 2.0, 0.5])


def linear():
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def objective(model, x, y):
    return (torch.tanh(model(x)).squeeze(1) - y).square().mean()


def sam_rank(rank, sync, folder):
    init(rank, folder)
    model = DistributedDataParallel(linear())
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    wrapper = SAMOptimWrapper(rho=RHO, sync_ascent=sync, optimizer=optimizer)
    wrapper.hook_installed = True
    part = slice(2 * rank, 2 * rank + 2)
    for _ in range(3):
        for _ in range(2):
            with wrapper.optim_context(model):
                loss = objective(model, X[part], Y[part])
            wrapper.update_params(loss)
    torch.save(model.module.state_dict(), f'{folder}/{rank}.pth')


def init(rank, folder):
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
    )


def by_hand(sync):
    model = linear()
    parts = [slice(0, 2), slice(2, 4)]
    for _ in range(3):
        start = [p.detach().clone() for p in model.parameters()]

        def gradient(part):
            grads = torch.autograd.grad(
                objective(model, X[part], Y[part]), list(model.parameters())
            )
            return torch.cat([g.flatten() for g in grads])

        def place(vector, start=start):
            with torch.no_grad():
                pieces = vector.split([w.numel() for w in start])
                for p, w, v in zip(model.parameters(), start, pieces, strict=True):
                    p.copy_(w + v.view_as(w))

        local = [gradient(part) for part in parts]
        mean = sum(local) / 2
        descents = []
        for part, own in zip(parts, local, strict=True):
            ascent = mean if sync else own
            place(RHO * ascent / ascent.norm())
            descents.append(gradient(part))
        place(-LR * sum(descents) / 2)
    return model.state_dict()


@pytest.mark.parametrize('sync', [True, False], ids=['synchronised', 'm-sharpness'])
def test_sam_over_two_processes(tmp_path, sync):
    mp.spawn(sam_rank, (sync, str(tmp_path)), nprocs=2)
    states = [torch.load(tmp_path / f'{rank}.pth') for rank in range(2)]
    for name, value in by_hand(sync).items():
        assert torch.equal(states[0][name], states[1][name])
        torch.testing.assert_close(states[0][name], value)


def csa():
    torch.manual_seed(0)
    return CSANeck(embed_dims=8, num_levels=1, distance_range='world')


def tokens():
    torch.manual_seed(1)
    return torch.randn(4, 4, 5, 8)


def world_rank(rank, folder):
    init(rank, folder)
    neck = csa()
    x = tokens()[:, 2 * rank : 2 * rank + 2].reshape(8, 5, 8)
    refined = neck.refine(x)
    refined.square().sum().backward()
    gradient = neck.levels[0].proj.weight.grad
    dist.all_reduce(gradient)
    torch.save((refined.detach(), gradient), f'{folder}/{rank}.pth')


def test_distances_ranged_over_two_processes(tmp_path):
    """Two ranks with half the groups each give what one gives with all."""
    mp.spawn(world_rank, (str(tmp_path),), nprocs=2)
    neck = csa()
    expected = neck.refine(tokens().flatten(0, 1))
    expected.square().sum().backward()
    parts = [torch.load(tmp_path / f'{rank}.pth') for rank in range(2)]
    refined = torch.cat([part[0].unflatten(0, (4, 2)) for part in parts], dim=1)
    torch.testing.assert_close(refined.flatten(0, 1), expected)
    gradient = neck.levels[0].proj.weight.grad
    torch.testing.assert_close(parts[0][1], gradient)
