"""EMAHook alongside SAM, against both written out with plain tensors."""

import copy

import pytest
import torch
import torch.nn as nn
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmqcs.checkpoints.safe_load import allow_mmengine_objects
from mmqcs.engine import SAMHook

RHO, LR, MOMENTUM = 0.5, 0.1, 0.3
ITERATIONS = 3  # per epoch


class Regression(BaseModel):
    """Two layers with BatchNorm between them."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def forward(self, x, y, mode='loss'):
        loss = (self.net(x).squeeze(1) - y).square().mean()
        return {'loss': loss} if mode == 'loss' else [loss]


class Loss(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += [x.item() for x in data_samples]

    def compute_metrics(self, results):
        return {'loss': sum(results) / len(results)}


class Validations(Hook):
    priority = 'LOWEST'

    def __init__(self):
        self.states, self.losses = [], []

    def before_val_epoch(self, runner):
        self.states.append(copy.deepcopy(runner.model.net.state_dict()))

    def after_val_epoch(self, runner, metrics=None):
        self.losses.append(metrics['loss'])


def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4 * ITERATIONS, 3, generator=generator)
    return list(zip(x, x.sum(dim=1) ** 2, strict=True))


def loader():
    return DataLoader(data(), batch_size=4)


def train(work_dir, epochs=3, accumulate=1, resume=None, **ema):
    torch.manual_seed(0)
    model, validations = Regression(), Validations()
    start = copy.deepcopy(model.net)
    # named first, so that the order is that of their priorities
    ema = dict(type='EMAHook', momentum=MOMENTUM, **ema)
    with DefaultScope.overwrite_default_scope('mmengine'):
        runner = Runner(
            model,
            work_dir=str(work_dir),
            train_dataloader=loader(),
            val_dataloader=loader(),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            val_cfg=dict(),
            val_evaluator=Evaluator(Loss()),
            optim_wrapper=dict(
                type='mmqcs.SAMOptimWrapper',
                rho=RHO,
                optimizer=dict(type='SGD', lr=LR),
                accumulative_counts=accumulate,
            ),
            custom_hooks=[ema, SAMHook(), validations],
            default_hooks=dict(
                logger=None, checkpoint=dict(type='mmqcs.CheckpointHook', interval=1)
            ),
            load_from=resume,
            resume=resume is not None,
        )
        runner.train()
    (hook,) = [hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook']
    return start, model.net, hook.ema_model.module.net, validations


def weights_by_hand(net, epochs, accumulate):
    """The state after each iteration, of SAM around SGD."""
    net, states, chunk = copy.deepcopy(net).train(), [], []
    batches = list(loader()) * epochs
    for number, batch in enumerate(batches, start=1):
        chunk.append(batch)
        step = len(chunk) == accumulate or number == len(batches)
        if not step:  # only the statistics of BatchNorm change
            with torch.no_grad():
                net(batch[0])
        else:
            descend(net, chunk)
            chunk = []
        states.append(copy.deepcopy(net.state_dict()))
    return states


def descend(net, batches):
    parameters = list(net.parameters())
    weights = [p.detach().clone() for p in parameters]

    def gradient(counted):
        total = [torch.zeros_like(p) for p in parameters]
        for i, (x, y) in enumerate(batches):
            buffers = [b.clone() for b in net.buffers()]
            loss = (net(x).squeeze(1) - y).square().mean() / len(batches)
            for t, g in zip(total, torch.autograd.grad(loss, parameters), strict=True):
                t += g
            if i < counted:  # this pass has been counted in BatchNorm before
                for b, old in zip(net.buffers(), buffers, strict=True):
                    b.copy_(old)
        return total

    steps = gradient(counted=len(batches) - 1)
    norm = torch.cat([g.flatten() for g in steps]).norm()
    with torch.no_grad():
        for p, g in zip(parameters, steps, strict=True):
            p += RHO * g / norm
    steps = gradient(counted=0)
    with torch.no_grad():
        for p, w, g in zip(parameters, weights, steps, strict=True):
            p.copy_(w - LR * g)


def averages_by_hand(states, interval=1, update_buffers=True):
    """The average after each iteration; the first is a copy."""
    average, found = copy.deepcopy(states[0]), []
    for number, state in enumerate(states):
        for name, value in state.items():
            buffer = 'running' in name or 'num_batches' in name
            if buffer and not update_buffers:
                average[name] = value
            elif number and number % interval == 0 and value.is_floating_point():
                average[name] = (1 - MOMENTUM) * average[name] + MOMENTUM * value
        found.append(copy.deepcopy(average))
    return found


def assert_states(actual, expected):
    for name, value in expected.items():
        if 'num_batches' not in name:  # a count, which has no average
            torch.testing.assert_close(actual[name], value, msg=name)


@pytest.mark.parametrize('accumulate', [1, 2])
@pytest.mark.parametrize('update_buffers', [True, False])
def test_the_average_is_that_of_the_weights_after_each_step(
    tmp_path, accumulate, update_buffers
):
    options = dict(interval=accumulate, update_buffers=update_buffers)
    start, net, average, _ = train(tmp_path, accumulate=accumulate, **options)
    states = weights_by_hand(start, epochs=3, accumulate=accumulate)
    assert_states(net.state_dict(), states[-1])
    assert_states(average.state_dict(), averages_by_hand(states, **options)[-1])
    assert not torch.equal(average[0].weight, net[0].weight)


def test_the_averaged_weights_are_validated_and_saved(tmp_path):
    start, net, _, validations = train(tmp_path, update_buffers=True)
    averages = averages_by_hand(weights_by_hand(start, 3, 1))[ITERATIONS - 1 :: 3]
    assert len(validations.states) == 3
    for epoch, expected in enumerate(averages):
        assert_states(validations.states[epoch], expected)
        evaluated = copy.deepcopy(net).eval()
        evaluated.load_state_dict(validations.states[epoch])
        losses = [(evaluated(x).squeeze(1) - y).square().mean() for x, y in loader()]
        assert validations.losses[epoch] == pytest.approx(sum(losses).item() / 3)
    saved = torch.load(tmp_path / 'epoch_3.pth', weights_only=False)['state_dict']
    assert_states({k.removeprefix('net.'): v for k, v in saved.items()}, averages[-1])


def test_a_resumed_run_goes_on_with_both(tmp_path):
    allow_mmengine_objects()  # as tools/train.py does
    _, net, average, validations = train(tmp_path / 'a', update_buffers=True)
    train(tmp_path / 'b', epochs=2, update_buffers=True)
    resumed = train(
        tmp_path / 'b', resume=str(tmp_path / 'b/epoch_2.pth'), update_buffers=True
    )
    assert_states(resumed[1].state_dict(), net.state_dict())
    assert_states(resumed[2].state_dict(), average.state_dict())
    # the checkpoint was saved before the validation of its epoch, which is repeated
    assert resumed[3].losses == pytest.approx(validations.losses[1:])
