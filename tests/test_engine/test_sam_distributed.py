"""SAM over two and four processes, against one that sees everything."""

import pytest
import torch
import torch.nn as nn
from ranks import on_ranks
from torch.nn.parallel import DistributedDataParallel

from mmqcs.engine import SAMAmpOptimWrapper, SAMOptimWrapper
from mmqcs.engine.hooks.sam_hook import check_data_parallel

RHO, LR, SIZE, UPDATES = 0.1, 0.1, 8, 3
X = torch.arange(2.0 * SIZE).reshape(SIZE, 2) / 5
Y = torch.tensor([0.3, -1.0, 2.0, 0.5, -0.7, 1.1, 0.2, -2.0])


def linear():
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def objective(model, x, y):
    return (torch.tanh(model(x)).squeeze(1) - y).square().mean()


def share(rank, world):
    return slice(rank * SIZE // world, (rank + 1) * SIZE // world)


def wrapped(model, sync, kind=SAMOptimWrapper, **kwargs):
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    wrapper = kind(rho=RHO, sync_ascent=sync, optimizer=optimizer, **kwargs)
    wrapper.hook_installed = True
    return wrapper


def update(wrapper, model, x, y):
    """What train_step and SAMHook do with a batch."""
    for _ in range(2):
        with wrapper.optim_context(model):
            loss = objective(model, x, y)
        wrapper.update_params(loss)
        if not wrapper.descending:
            break


def sam_rank(rank, world, sync):
    model = DistributedDataParallel(linear())
    wrapper = wrapped(model, sync)
    part = share(rank, world)
    for _ in range(UPDATES):
        update(wrapper, model, X[part], Y[part])
    return model.module.state_dict()


def one_process():
    """The joint batch, by the wrapper in one process."""
    model = linear()
    wrapper = wrapped(model, True)
    for _ in range(UPDATES):
        update(wrapper, model, X, Y)
    return model.state_dict()


def m_sharpness(world):
    """Each process climbs by its own gradient; worked out by hand."""
    model = linear()
    parts = [share(rank, world) for rank in range(world)]

    def gradient(part):
        loss = objective(model, X[part], Y[part])
        return torch.autograd.grad(loss, list(model.parameters()))

    def place(values):
        with torch.no_grad():
            for p, value in zip(model.parameters(), values, strict=True):
                p.copy_(value)

    for _ in range(UPDATES):
        start = [p.detach().clone() for p in model.parameters()]
        descents = []
        for part in parts:
            place(start)
            ascent = gradient(part)
            norm = torch.cat([g.flatten() for g in ascent]).norm()
            place([w + RHO * g / norm for w, g in zip(start, ascent, strict=True)])
            descents.append(gradient(part))
        mean = [sum(g) / world for g in zip(*descents, strict=True)]
        place([w - LR * g for w, g in zip(start, mean, strict=True)])
    return model.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('sync', [True, False], ids=['synchronised', 'm-sharpness'])
def test_sam_over_processes(tmp_path, world, sync):
    states = on_ranks(sam_rank, world, tmp_path, sync)
    joint = one_process()
    expected = joint if sync else m_sharpness(world)
    for name, value in expected.items():
        for state in states:
            assert torch.equal(state[name], states[0][name])
        torch.testing.assert_close(states[0][name], value)
    if not sync:
        apart = (states[0]['weight'] - joint['weight']).abs().max()
        assert apart > 1e-4  # 100 times the tolerance above


def overflow_rank(rank, world, sync):
    """Scaled gradients; in the second of three updates one rank's are infinite."""
    model = DistributedDataParallel(linear())
    wrapper = wrapped(model, sync, SAMAmpOptimWrapper, dtype='bfloat16')
    wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=8.0)
    part = share(rank, world)
    for i in range(3):
        x = X[part] * (torch.inf if i == 1 and rank == 1 else 1)
        update(wrapper, model, x, Y[part])
    return model.module.state_dict(), wrapper.loss_scaler.get_scale()


@pytest.mark.slow
@pytest.mark.parametrize('sync', [True, False], ids=['synchronised', 'm-sharpness'])
def test_an_overflow_on_one_process_skips_the_update_on_all(tmp_path, sync):
    """Without agreement the others would wait for the one that skipped."""
    (first, scale), (second, other) = on_ranks(overflow_rank, 2, tmp_path, sync)
    assert scale == other == 4.0
    for name, value in first.items():
        assert torch.isfinite(value).all()
        assert torch.equal(value, second[name])


@pytest.mark.parametrize(
    'name', ['MMFullyShardedDataParallel', 'FSDPModule', 'MMDeepSpeedEngineWrapper']
)
def test_sharded_models_are_refused(name):
    """By the names of classes, so that no package of theirs is needed."""
    base = type(name, (nn.Linear,), {})
    model = type('Wrapped', (base,), {})(2, 1)
    with pytest.raises(TypeError, match='SAM does not run under Wrapped'):
        check_data_parallel(model)


def refused_rank(rank, world):
    """What the hook says to a model that PyTorch shards, by either of its ways."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

    def refusal(model):
        try:
            check_data_parallel(model)
        except TypeError as error:
            return str(error)

    mesh = init_device_mesh('cpu', (world,))
    return (
        refusal(FullyShardedDataParallel(linear(), device_id=torch.device('cpu'))),
        refusal(fully_shard(linear(), mesh=mesh)),
        refusal(DistributedDataParallel(linear())),
    )


@pytest.mark.slow
def test_models_that_pytorch_shards_are_refused(tmp_path):
    for wrapped_whole, sharded, parallel in on_ranks(refused_rank, 2, tmp_path):
        assert 'SAM does not run under FullyShardedDataParallel' in wrapped_whole
        assert 'SAM does not run under FSDPLinear' in sharded
        assert parallel is None
