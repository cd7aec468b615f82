"""Graphs, compiled blocks and mixed precision against eager float32."""

import pytest
import torch
from gpu_case import GRAPHS, batch, needs_gpu, small, train, wrap
from mmengine.optim import OptimWrapper

from mmqcs.engine import AutocastOptimWrapper, SAMAmpOptimWrapper, SAMOptimWrapper
from mmqcs.models.compilation import training_graph

pytestmark = needs_gpu


def run(batches, kind=SAMOptimWrapper, model=None, **kwargs):
    """Losses of a training, and the weights after it."""
    model = small(**(model or {}))
    losses = train(model, wrap(model, kind, **kwargs), batches)
    return losses, model.state_dict()


@pytest.mark.parametrize(
    ('count', 'kind', 'kwargs'),
    [
        (50, SAMOptimWrapper, {}),
        (50, SAMAmpOptimWrapper, dict(dtype='bfloat16')),
        (20, SAMAmpOptimWrapper, dict(dtype='float16')),
        (20, SAMOptimWrapper, dict(accumulative_counts=2)),
        (20, OptimWrapper, dict(accumulative_counts=2)),
    ],
    ids=['SAM', 'SAM in bfloat16', 'SAM in float16', 'SAM accumulated', 'accumulated'],
)
def test_graphs_change_no_bit(count, kind, kwargs):
    batches = [batch(i % 5) for i in range(count)]
    losses, weights = run(batches, kind, **kwargs)
    graph_losses, graph_weights = run(batches, kind, dict(compile=GRAPHS), **kwargs)
    assert torch.equal(graph_losses, losses)
    for name, value in weights.items():
        assert torch.equal(graph_weights[name], value), name
    assert losses[-5:].mean() < losses[:5].mean()


def test_a_smaller_last_batch_changes_no_bit_and_is_announced_once(monkeypatch):
    batches = [batch(i, groups=1 if i % 4 == 3 else 2) for i in range(12)]
    losses, weights = run(batches)
    texts = []
    monkeypatch.setattr(
        training_graph, 'print_log', lambda text, **_: texts.append(text)
    )
    graph_losses, graph_weights = run(batches, model=dict(compile=GRAPHS))
    assert [text.count('(4, 3, 64, 64)') for text in texts] == [1]
    assert torch.equal(graph_losses, losses)
    for name, value in weights.items():
        assert torch.equal(graph_weights[name], value), name


def test_a_graph_writes_the_confusion_of_each_batch():
    """Batches of both shapes, so that replays and eager passes take turns."""
    batches = [batch(i, groups=1 if i % 3 == 1 else 2) for i in range(6)]
    written = []
    for compile in (False, GRAPHS):
        model = small(compile=compile)
        wrapper, confusion = wrap(model), model.watch_confusion()
        for each in batches:
            train(model, wrapper, [each])
            written.append(confusion.clone())
    eager, replayed = torch.stack(written).chunk(2)
    assert torch.equal(eager, replayed)
    assert eager.sum((1, 2)).round().tolist() == [2, 1, 2, 2, 1, 2]


@pytest.mark.parametrize('compiled', [False, True], ids=['eager', 'compiled'])
def test_bfloat16_learns_as_float32_does(compiled):
    batches = [batch(i % 5) for i in range(50)]
    expected, _ = run(batches)
    losses, weights = run(
        batches, SAMAmpOptimWrapper, dict(compile=compiled), dtype='bfloat16'
    )
    torch.testing.assert_close(losses[0], expected[0], rtol=0.01, atol=0)
    # The paths part after some steps, so only their course is compared.
    torch.testing.assert_close(losses.mean(), expected.mean(), rtol=0.1, atol=0)
    assert losses[-5:].mean() < 0.6 * losses[:5].mean()
    kinds = {x.dtype for x in weights.values() if x.is_floating_point()}
    assert kinds == {torch.float32}


@pytest.mark.parametrize('kind', [AutocastOptimWrapper, SAMAmpOptimWrapper])
@pytest.mark.parametrize('compile', [False, GRAPHS], ids=['eager', 'graphs'])
def test_an_overflow_skips_the_update_and_lowers_the_scale(kind, compile):
    model = small(compile=compile)
    wrapper = wrap(model, kind, dtype='float16', loss_scale=dict(init_scale=2.0**30))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    train(model, wrapper, [batch()])
    assert wrapper.loss_scaler.get_scale() == 2.0**29
    assert not getattr(wrapper, 'descending', False)
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]), name
    losses = train(model, wrapper, [batch()] * 40)
    assert wrapper.loss_scaler.get_scale() < 2.0**28
    assert losses[-1] < losses[0]
    for name, p in model.named_parameters():
        assert torch.isfinite(p).all(), name


@pytest.mark.parametrize('compile', [False, GRAPHS], ids=['eager', 'graphs'])
@pytest.mark.parametrize('kind', [SAMOptimWrapper, SAMAmpOptimWrapper])
def test_no_update_waits_for_the_gpu(kind, compile):
    model = small(compile=compile)
    wrapper = wrap(model, kind)
    batches = [batch(i) for i in range(4)]
    train(model, wrapper, batches)
    torch.cuda.set_sync_debug_mode('error')
    try:
        losses = train(model, wrapper, batches)
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert torch.isfinite(losses).all()
