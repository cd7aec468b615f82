"""SAM against the update written out with plain tensors."""

import copy

import pytest
import torch
import torch.nn as nn
from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmqcs.engine import SAMAmpOptimWrapper, SAMHook, SAMOptimWrapper

RHO = 0.1


class CountingPreprocessor(BaseDataPreprocessor):
    """Adds fresh noise, as a random batch augment would."""

    calls = 0

    def forward(self, data, training=False):
        self.calls += 1
        x, y = self.cast_data(data)
        return {'x': x + torch.randn_like(x) if training else x, 'y': y}


class Regression(BaseModel):
    """Two layers, one parameter that never gets a gradient, and a log of inputs."""

    def __init__(self):
        super().__init__(CountingPreprocessor())
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        self.unused = nn.Parameter(torch.ones(2))
        self.seen = []

    def forward(self, x, y, mode='loss'):
        assert mode == 'loss'
        self.seen.append((x, [p.detach().clone() for p in self.net.parameters()]))
        return {'loss': (self.net(x).squeeze(1) - y).square().mean()}


def train(wrapper, batches=6, hooks=({'type': 'mmqcs.SAMHook'},), **kwargs):
    torch.manual_seed(0)
    model = Regression()
    start = copy.deepcopy(model)
    data = [(torch.randn(3), torch.randn(())) for _ in range(2 * batches)]
    with DefaultScope.overwrite_default_scope('mmengine'):
        runner = Runner(
            model,
            work_dir=kwargs.pop('work_dir'),
            train_dataloader=DataLoader(data, batch_size=2),
            train_cfg=kwargs.pop('train_cfg', dict(by_epoch=True, max_epochs=1)),
            optim_wrapper=wrapper,
            custom_hooks=list(hooks),
            default_hooks=dict(logger=None, checkpoint=None),
            **kwargs,
        )
        runner.train()
    return model, start, runner


def by_hand(start, inputs, targets, accumulate, adaptive=False, lr=0.1):
    """The updates of SAM around SGD on recorded inputs."""
    model = copy.deepcopy(start.net)
    pairs = list(zip(inputs, targets, strict=True))
    for i in range(0, len(pairs), accumulate):
        chunk = pairs[i : i + accumulate]

        def gradient(chunk=chunk):
            model.zero_grad()
            for x, y in chunk:
                loss = (model(x).squeeze(1) - y).square().mean()
                (loss / len(chunk)).backward()
            return [p.grad.clone() for p in model.parameters()]

        weights = [p.detach().clone() for p in model.parameters()]
        g = gradient()
        scale = [w.abs() if adaptive else torch.ones_like(w) for w in weights]
        norm = sum((s * x).square().sum() for s, x in zip(scale, g, strict=True)).sqrt()
        with torch.no_grad():
            for p, s, x in zip(model.parameters(), scale, g, strict=True):
                p += RHO * s**2 * x / (norm + 1e-12)
        g = gradient()
        with torch.no_grad():
            for p, w, x in zip(model.parameters(), weights, g, strict=True):
                p.copy_(w - lr * x)
    return list(model.parameters())


def config(**kwargs):
    optimizer = dict(type='SGD', lr=0.1)
    return dict(type='mmqcs.SAMOptimWrapper', rho=RHO, optimizer=optimizer) | kwargs


def first_passes(model, accumulate, count):
    """Inputs of the ascents: the first half of every update's forward passes."""
    xs = [x for x, _ in model.seen]
    inputs, i = [], 0
    while i < len(xs):
        size = min(accumulate, count - len(inputs))
        inputs += xs[i : i + size]
        for a, b in zip(xs[i : i + size], xs[i + size : i + 2 * size], strict=True):
            assert torch.equal(a, b), 'both passes must see the same batch'
        i += 2 * size
    return inputs


@pytest.mark.parametrize('accumulate', [1, 2, 4])
@pytest.mark.parametrize('adaptive', [False, True])
def test_updates_equal_those_by_hand(tmp_path, accumulate, adaptive):
    """Six batches: with four to an update, the last update has two."""
    wrapper = config(adaptive=adaptive, accumulative_counts=accumulate)
    model, start, runner = train(wrapper, work_dir=str(tmp_path))
    assert len(model.seen) == 12
    assert model.data_preprocessor.calls == 6
    inputs = first_passes(model, accumulate, 6)
    targets = [y for _, y in runner.train_dataloader]
    expected = by_hand(start, inputs, targets, accumulate, adaptive)
    for actual, p in zip(model.net.parameters(), expected, strict=True):
        torch.testing.assert_close(actual, p)
    assert torch.equal(model.unused, torch.ones(2))


def test_the_second_pass_is_at_distance_rho(tmp_path):
    model, *_ = train(config(), work_dir=str(tmp_path))
    for (_, w), (_, moved) in zip(model.seen[::2], model.seen[1::2], strict=True):
        steps = [b - a for a, b in zip(w, moved, strict=True)]
        norm = torch.cat([s.flatten() for s in steps]).norm()
        assert norm.item() == pytest.approx(RHO, rel=1e-4)


def test_iteration_based_training_and_clipping(tmp_path):
    model, start, _ = train(
        config(clip_grad=dict(max_norm=1e-9)),
        work_dir=str(tmp_path),
        train_cfg=dict(by_epoch=False, max_iters=4),
    )
    assert len(model.seen) == 8
    for a, b in zip(model.net.parameters(), start.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-8, rtol=0)


def test_other_hooks_see_the_updated_weights_and_the_first_loss(tmp_path):
    class Spy(Hook):
        priority = 'NORMAL'
        moved, losses = [], []

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            self.moved.append(runner.optim_wrapper.descending)
            self.losses.append(outputs['loss'].item())

    model, _, runner = train(
        config(), hooks=[Spy(), dict(type='mmqcs.SAMHook')], work_dir=str(tmp_path)
    )
    assert Spy.moved == [False] * 6
    x, weights = model.seen[0]
    a, b, c, d = weights
    targets = next(iter(runner.train_dataloader))[1]
    loss = ((torch.tanh(x @ a.T + b) @ c.T + d).squeeze(1) - targets).square().mean()
    assert Spy.losses[0] == pytest.approx(loss.item())


def test_without_the_hook_it_says_so(tmp_path):
    with pytest.raises(RuntimeError, match=r"type='mmqcs.SAMHook'.* custom_hooks"):
        train(config(), hooks=[], work_dir=str(tmp_path))


def test_the_hook_without_sam_says_so(tmp_path):
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    with pytest.raises(TypeError, match='SAMHook needs mmqcs.SAMOptimWrapper'):
        train(plain, work_dir=str(tmp_path))


def test_a_sharded_model_is_refused():
    class FullyShardedThing(nn.Module):
        pass

    class FakeRunner:
        model = FullyShardedThing()
        optim_wrapper = SAMOptimWrapper(
            optimizer=torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1)
        )

    with pytest.raises(TypeError, match='SAM does not run under FullyShardedThing'):
        SAMHook().before_train(FakeRunner())


@pytest.mark.parametrize('rho', [0, -1])
def test_bad_rho(rho):
    with pytest.raises(ValueError, match='rho must be > 0'):
        SAMOptimWrapper(rho=rho, optimizer=None)


def test_bfloat16_on_the_cpu(tmp_path):
    wrapper = config(type='mmqcs.SAMAmpOptimWrapper')
    model, start, runner = train(wrapper, work_dir=str(tmp_path))
    assert isinstance(runner.optim_wrapper, AmpOptimWrapper)
    assert runner.optim_wrapper.cast_dtype == torch.bfloat16
    inputs = first_passes(model, 1, 6)
    expected = by_hand(start, inputs, [y for _, y in runner.train_dataloader], 1)
    for actual, p in zip(model.net.parameters(), expected, strict=True):
        assert actual.dtype == torch.float32
        torch.testing.assert_close(actual, p, atol=0.05, rtol=0.05)


def test_float16_needs_an_accelerator():
    if torch.cuda.is_available():
        pytest.skip('an accelerator is here')
    with pytest.raises(ValueError, match="use 'bfloat16'"):
        SAMAmpOptimWrapper(dtype='float16', optimizer=None)
    with pytest.raises(ValueError, match='dtype must be'):
        SAMAmpOptimWrapper(dtype='float8', optimizer=None)


class FakeScaler:
    """A scaler on the CPU, where torch's own is disabled."""

    scale_value = 8.0

    def is_enabled(self):
        return True

    def scale(self, loss):
        return loss * self.scale_value

    def get_scale(self):
        return self.scale_value

    def get_backoff_factor(self):
        return 0.5

    def update(self, new_scale=None):
        self.scale_value = new_scale or self.scale_value

    def step(self, optimizer):
        for group in optimizer.param_groups:
            for p in group['params']:
                p.grad /= self.scale_value
        optimizer.step()


def scaled_step(overflow):
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = SAMAmpOptimWrapper(rho=RHO, optimizer=optimizer)
    wrapper.loss_scaler = FakeScaler()
    wrapper.hook_installed = True
    x = torch.ones(2, 3) * (float('inf') if overflow else 1)
    wrapper.update_params(model(x).square().mean())
    if wrapper.descending:
        wrapper.update_params(model(x).square().mean())
    return model, wrapper


def test_a_scaled_gradient_gives_the_same_update():
    scaled, _ = scaled_step(overflow=False)
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    wrapper = SAMOptimWrapper(
        rho=RHO, optimizer=torch.optim.SGD(model.parameters(), lr=0.1)
    )
    wrapper.hook_installed = True
    for _ in range(2):
        wrapper.update_params(model(torch.ones(2, 3)).square().mean())
    for a, b in zip(model.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_an_overflow_skips_the_update_and_lowers_the_scale():
    model, wrapper = scaled_step(overflow=True)
    torch.manual_seed(0)
    untouched = nn.Linear(3, 1)
    for a, b in zip(model.parameters(), untouched.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.grad is None
    assert not wrapper.descending
    assert not wrapper.accumulating
    assert wrapper.loss_scaler.scale_value == 4


def test_it_is_an_optim_wrapper_for_the_rest_of_the_stack():
    parameter = nn.Parameter(torch.ones(2))
    wrapper = SAMOptimWrapper(optimizer=torch.optim.Adam([parameter], lr=0.1))
    assert isinstance(wrapper, OptimWrapper)
    assert wrapper.get_lr() == {'lr': [0.1]}
    wrapper.load_state_dict(wrapper.state_dict())
