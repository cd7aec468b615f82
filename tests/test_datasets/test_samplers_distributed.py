"""Groups on two and four real processes."""

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler
from ranks import on_ranks

from mmqcs.datasets import BalancedSampler, QuadrupletBatchSampler

CLASSES = 3


class Labelled:
    """Dataset of labels, three classes in turn."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def get_gt_labels(self):
        return np.arange(self.size) % CLASSES


def epoch_rank(rank, world, size, batch_size, balanced, round_up):
    """Batches of groups of an epoch, or the error of the sampler."""
    data = Labelled(size)
    if balanced:
        sampler = BalancedSampler(data, fraction=0.7, seed=0)
    else:
        sampler = DefaultSampler(data, shuffle=True, seed=0, round_up=round_up)
    try:
        batches = QuadrupletBatchSampler(sampler, batch_size)
    except ValueError as error:
        return str(error)
    return [np.reshape(batch, (4, -1)) for batch in batches]


def anchors(batches):
    return np.concatenate([batch[0] for batch in batches])


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 4])
def test_no_anchor_is_on_two_processes(tmp_path, world):
    ranks = on_ranks(epoch_rank, world, tmp_path, 40, 4, False, True)
    drawn = np.concatenate([anchors(batches) for batches in ranks])
    assert sorted(drawn) == list(range(40))
    for batch in (b for batches in ranks for b in batches):
        a, p, n, m = batch % CLASSES
        assert (a == p).all()
        assert (n == m).all()
        assert (a != n).all()


def same_anchors_rank(rank, world):
    sampler = DefaultSampler(Labelled(40), shuffle=True, seed=0)
    sampler.rank, sampler.world_size = 0, 1
    sampler.num_samples = sampler.total_size = 40
    return [np.reshape(b, (4, -1)) for b in QuadrupletBatchSampler(sampler, 40)]


@pytest.mark.slow
def test_processes_draw_companions_of_their_own(tmp_path):
    (first,), (second,) = on_ranks(same_anchors_rank, 2, tmp_path)
    assert np.array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 4])
@pytest.mark.parametrize('balanced', [False, True])
def test_all_processes_get_as_many_batches(tmp_path, world, balanced):
    """41 images are no multiple of the processes, nor shares of the batch size."""
    ranks = on_ranks(epoch_rank, world, tmp_path, 41, 4, balanced, True)
    sizes = [[batch.shape[1] for batch in batches] for batches in ranks]
    assert all(size == sizes[0] for size in sizes)
    assert 0 < sizes[0][-1] < 4  # the last batch is short
    if not balanced:
        # rounding up repeats fewer anchors than there are processes
        drawn = np.concatenate([anchors(batches) for batches in ranks])
        assert set(drawn) == set(range(41))
        assert len(drawn) - 41 < world


@pytest.mark.slow
def test_shares_of_unequal_numbers_of_batches_are_refused_on_every_process(tmp_path):
    errors = on_ranks(epoch_rank, 2, tmp_path, 41, 4, False, False)
    for error in errors:
        assert 'would get [6, 5] batches' in error
        assert 'DefaultSampler with round_up=True' in error
