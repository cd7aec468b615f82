"""BatchNorm by branches against one pass for each branch."""

import copy

import pytest
import torch
import torch.nn as nn
from dispatch import NoSync
from mmengine.model import convert_sync_batchnorm
from test_qcs_classifier import batch, build

from mmqcs.models.branch_norm import (
    branch_statistics,
    convert_branch_norm,
    needs_passes,
)


def test_equals_one_pass_for_each_branch():
    passes = nn.BatchNorm2d(5)
    nn.init.normal_(passes.weight)
    branched = copy.deepcopy(passes)
    convert_branch_norm(branched)
    x = torch.randn(8, 5, 3, 3) + torch.randn(8, 1, 1, 1)
    expected = torch.cat([passes(branch) for branch in x.chunk(4)])
    with branch_statistics(branched, 4):
        torch.testing.assert_close(branched(x), expected)
    for name, buffer in passes.state_dict().items():
        torch.testing.assert_close(branched.state_dict()[name], buffer)
    torch.testing.assert_close(branched(x), passes(x))  # outside: one batch
    with branch_statistics(branched.eval(), 4):
        torch.testing.assert_close(branched(x), passes.eval()(x))


def test_a_batch_that_is_not_made_of_groups_is_refused():
    norm = nn.BatchNorm2d(3)
    convert_branch_norm(norm)
    message = '6 images, which is not made of groups of 4'
    with branch_statistics(norm, 4), pytest.raises(ValueError, match=message):
        norm(torch.randn(6, 3, 2, 2))
    norm(torch.randn(6, 3, 2, 2))


def test_modules_stay_the_same_objects():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    norm, keys = net[1], list(net.state_dict())
    convert_branch_norm(net)
    assert net[1] is norm
    assert list(net.state_dict()) == keys


@pytest.mark.parametrize(
    'norm',
    [
        nn.BatchNorm1d(5),
        nn.BatchNorm3d(5),
        nn.BatchNorm2d(5, affine=False),
        nn.BatchNorm2d(5, track_running_stats=False),
        nn.BatchNorm2d(5, momentum=None),
    ],
)
def test_rare_norms_are_left_alone_and_need_passes(norm):
    kind = type(norm)
    convert_branch_norm(norm)
    assert type(norm) is kind
    assert needs_passes(norm)


@pytest.mark.parametrize('frozen', [True, False])
def test_gradients_and_statistics_equal_those_of_passes(frozen):
    passes = nn.BatchNorm2d(5, momentum=0.3).double()
    nn.init.normal_(passes.weight)
    nn.init.normal_(passes.bias)
    passes.weight.requires_grad_(not frozen)
    branched = copy.deepcopy(passes)
    convert_branch_norm(branched)
    x = torch.randn(8, 5, 3, 3).double() + torch.randn(8, 1, 1, 1)
    inputs = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected = torch.cat([passes(branch) for branch in inputs[0].chunk(4)])
    with branch_statistics(branched, 4):
        output = branched(inputs[1])
    coefficients = torch.randn_like(output)
    for out in (output, expected):
        (out * coefficients).sum().backward()
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    torch.testing.assert_close(branched.state_dict(), passes.state_dict())
    for name, p in passes.named_parameters():
        torch.testing.assert_close(branched.get_parameter(name).grad, p.grad)


def test_one_operation_serves_all_branches():
    norm = nn.BatchNorm2d(5)
    convert_branch_norm(norm)
    x = torch.randn(8, 5, 3, 3, requires_grad=True)
    counts = {}
    for branches in (2, 4):
        with branch_statistics(norm, branches), NoSync() as mode:
            norm(x).sum().backward()
        counts[branches] = sum(mode.counts.values())
    assert counts[2] == counts[4] < 20


def test_compiled_form_equals_one_pass_for_each_branch():
    passes = nn.BatchNorm2d(5, momentum=0.3)
    nn.init.normal_(passes.weight)
    branched = copy.deepcopy(passes)
    convert_branch_norm(branched)
    x = torch.randn(8, 5, 3, 3) + torch.randn(8, 1, 1, 1)
    inputs = x.clone().requires_grad_(), x.clone().requires_grad_()
    expected = torch.cat([passes(branch) for branch in inputs[0].chunk(4)])
    with branch_statistics(branched, 4):
        output = branched._traced(inputs[1])
    torch.testing.assert_close(output, expected)
    for name, buffer in passes.state_dict().items():
        torch.testing.assert_close(branched.state_dict()[name], buffer)
    coefficients = torch.randn_like(output)
    for out in (output, expected):
        (out * coefficients).sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    torch.testing.assert_close(branched.weight.grad, passes.weight.grad)


@pytest.mark.parametrize('statistics', ['branch', 'joint'])
@pytest.mark.parametrize('compiled', [False, True])
def test_checkpointing_changes_nothing(statistics, compiled):
    """The second forward pass runs after the context of the branches has ended."""
    plain = build(statistics=statistics)
    parts = ('backbone', 'neck.encoder', 'cross.attention', 'cross.encoder')
    changes = {f'{part}.with_cp': True for part in parts}
    other = build(statistics=statistics, compile=compiled, **changes)
    other.load_state_dict(plain.state_dict())
    images, samples = batch()
    for model in (plain, other):
        losses = model(images, samples, mode='loss')
        model.parse_losses(losses)[0].backward()
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(other.get_buffer(name), buffer, msg=name)
    for name, parameter in plain.named_parameters():
        difference = (other.get_parameter(name).grad - parameter.grad).norm()
        assert difference <= 1e-3 * parameter.grad.norm() + 1e-6, name


def test_synchronised_norms_take_the_place_of_all_and_keep_branches_apart():
    """What `sync_bn='torch'` in a config does; they run on GPUs only."""
    model = build().train()
    names = [n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert names
    assert not needs_passes(model.backbone)
    model = convert_sync_batchnorm(model, 'torch')
    for name in names:
        assert type(model.get_submodule(name)) is nn.SyncBatchNorm, name
    assert needs_passes(model.backbone)
