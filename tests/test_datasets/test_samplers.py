import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.runner import Runner
from torch.utils.data import SubsetRandomSampler

from mmqcs.datasets import BalancedSampler, PairBatchSampler, QuadrupletBatchSampler
from mmqcs.datasets.samplers import balanced_sampler, group_batch_sampler
from mmqcs.datasets.samplers.draws import epoch_generator
from mmqcs.registry import DATA_SAMPLERS


class Labelled:
    """Minimal dataset."""

    metainfo = {'classes': ('a', 'b', 'c')}

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return i

    def get_data_info(self, i):
        return {'gt_label': self.labels[i]}


LABELS = [0] * 20 + [1] * 8 + [2] * 4


def sampler(labels=LABELS, kind='DefaultSampler', seed=0, **kwargs):
    cfg = dict(type=kind, dataset=Labelled(labels), seed=seed, **kwargs)
    return DATA_SAMPLERS.build(cfg)


def groups_of(batch_sampler, size=4):
    """(number of groups, size) array of the whole epoch."""
    return np.concatenate([np.reshape(b, (size, -1)).T for b in batch_sampler])


@pytest.mark.parametrize('negative', ['natural', 'uniform'])
def test_groups_obey_the_ring(negative):
    labels = np.array(LABELS)
    batches = QuadrupletBatchSampler(sampler(), 5, negative=negative)
    groups = groups_of(batches)
    anchor, positive, first, second = labels[groups].T
    assert (anchor == positive).all()
    assert (first == second).all()
    assert (anchor != first).all()
    assert (groups[:, 0] != groups[:, 1]).all()
    assert (groups[:, 2] != groups[:, 3]).all()
    assert sorted(groups[:, 0]) == list(range(32)), 'each image is an anchor once'


def test_pairs():
    labels = np.array(LABELS)
    groups = groups_of(PairBatchSampler(sampler(), 5), size=2)
    assert (labels[groups[:, 0]] == labels[groups[:, 1]]).all()
    assert (groups[:, 0] != groups[:, 1]).all()


def test_negative_classes_follow_the_rule():
    """Of the negatives of class 0, 8 : 4 natural and 1 : 1 uniform."""
    shares = {}
    for negative in ('natural', 'uniform'):
        batches = QuadrupletBatchSampler(sampler(), 8, negative=negative)
        counts = np.zeros(3)
        for epoch in range(150):
            batches.sampler.set_epoch(epoch)
            groups = np.array(LABELS)[groups_of(batches)]
            counts += np.bincount(groups[groups[:, 0] == 0, 2], minlength=3)
        shares[negative] = counts[1] / counts.sum()
    assert shares['natural'] == pytest.approx(2 / 3, abs=0.03)
    assert shares['uniform'] == pytest.approx(1 / 2, abs=0.03)


def test_last_batch():
    keep = QuadrupletBatchSampler(sampler(), 5)
    drop = QuadrupletBatchSampler(sampler(), 5, drop_last=True)
    assert [len(b) for b in keep] == [20] * 6 + [8]
    assert [len(b) for b in drop] == [20] * 6
    assert (len(keep), len(drop)) == (7, 6)


def test_same_key_same_groups():
    def epoch(seed, number):
        batches = QuadrupletBatchSampler(sampler(seed=seed), 5)
        batches.sampler.set_epoch(number)
        return list(batches)

    assert epoch(1, 3) == epoch(1, 3)
    assert epoch(1, 3) != epoch(1, 4)
    assert epoch(1, 3) != epoch(2, 3)


def test_global_random_state_is_left_alone():
    legacy = np.random.get_state
    np_state, torch_state = legacy()[1].copy(), torch.get_rng_state()
    list(QuadrupletBatchSampler(sampler(), 5))
    list(BalancedSampler(Labelled(LABELS), seed=0))
    assert (legacy()[1] == np_state).all()
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_ranks_share_anchors_out_and_draw_their_own_companions(monkeypatch):
    epochs = []
    for rank in range(2):
        monkeypatch.setattr(group_batch_sampler, 'get_rank', lambda rank=rank: rank)
        anchors = sampler()
        anchors.rank, anchors.world_size = rank, 2
        anchors.num_samples, anchors.total_size = 16, 32
        epochs.append(groups_of(QuadrupletBatchSampler(anchors, 5)))
    assert not set(epochs[0][:, 0]) & set(epochs[1][:, 0])
    assert len(epochs[0]) == len(epochs[1]) == 16

    draws = [epoch_generator('companions', 0, 0, rank).random(4) for rank in range(2)]
    assert not np.allclose(*draws)
    anchors = epoch_generator('anchors', 0, 0).random(4)
    assert not np.allclose(anchors, draws[0])


def test_balanced_sampler(monkeypatch):
    draw = BalancedSampler(Labelled(LABELS), fraction=100, seed=0)
    assert len(draw) == 3200
    images = np.array(list(draw))
    share = np.bincount(np.array(LABELS)[images]) / len(images)
    np.testing.assert_allclose(share, 1 / 3, atol=0.03)
    assert (np.bincount(images, minlength=32) > 0).all()
    assert list(draw) == images.tolist()
    draw.set_epoch(1)
    assert list(draw) != images.tolist()

    ranks = []
    for rank in range(2):
        monkeypatch.setattr(
            balanced_sampler, 'get_dist_info', lambda rank=rank: (rank, 2)
        )
        ranks.append(list(BalancedSampler(Labelled(LABELS), fraction=100, seed=0)))
    assert np.stack(ranks, axis=1).ravel().tolist() == images.tolist()


def test_endless_anchors_for_iteration_based_training():
    batches = iter(QuadrupletBatchSampler(sampler(kind='InfiniteSampler'), 5))
    groups = np.concatenate([np.reshape(next(batches), (4, -1)).T for _ in range(20)])
    labels = np.array(LABELS)[groups]
    assert len(groups) == 100
    assert (labels[:, 0] == labels[:, 1]).all()
    assert (labels[:, 0] != labels[:, 2]).all()


def test_a_twelfth_of_an_epoch():
    anchors = BalancedSampler(Labelled(LABELS * 12), fraction=1 / 12, seed=0)
    assert len(anchors) == 32
    batches = QuadrupletBatchSampler(anchors, 24, negative='uniform')
    assert [len(b) for b in batches] == [96, 32]


@pytest.mark.parametrize(
    'wrap',
    [
        lambda d: ConcatDataset([d, d]),
        lambda d: RepeatDataset(d, 2),
    ],
    ids=['concat', 'repeat'],
)
def test_wrapped_datasets(wrap):
    class Plain(BaseDataset):
        def load_data_list(self):
            return [{'img_path': str(i), 'gt_label': c} for i, c in enumerate(LABELS)]

    wrapped = wrap(Plain(ann_file=''))
    anchors = DATA_SAMPLERS.build(dict(type='DefaultSampler', dataset=wrapped, seed=0))
    groups = np.array(LABELS * 2)[groups_of(QuadrupletBatchSampler(anchors, 8))]
    assert len(groups) == 64
    assert (groups[:, 0] == groups[:, 1]).all()
    assert (groups[:, 0] != groups[:, 2]).all()


def test_built_by_the_runner_from_a_config():
    labels = [0, 1, 2] * 10  # of which the first 18 are used
    loader = Runner.build_dataloader(
        dict(
            batch_size=6,
            num_workers=0,
            num_batch_per_epoch=3,
            dataset=Labelled(labels),
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler', drop_last=True),
        ),
        seed=0,
    )
    batches = [np.array(labels)[b] for b in loader.batch_sampler]
    assert len(loader) == len(batches) == 3
    assert all(len(b) == 24 and (b[:6] == b[6:12]).all() for b in batches)


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        ([0, 0, 1], r'class 1 \(b\): it has a single image'),
        ([2, 2, 2], r'all 3 images are of class 2 \(c\)'),
        ([], 'non-empty'),
        ([[0, 1], [1, 2]], 'several labels'),
    ],
)
def test_data_that_cannot_serve_groups(labels, message):
    with pytest.raises(ValueError, match=message):
        QuadrupletBatchSampler(sampler(labels), 2)


def test_pairs_do_with_one_class():
    assert len(list(PairBatchSampler(sampler([1, 1, 1]), 2))) == 2


def test_unlabelled_data():
    class Unlabelled(Labelled):
        def get_data_info(self, i):
            return {}

    anchors = DATA_SAMPLERS.build(
        dict(type='DefaultSampler', dataset=Unlabelled([0, 0]), seed=0)
    )
    with pytest.raises(ValueError, match='Unlabelled gives no gt_label'):
        PairBatchSampler(anchors, 2)


def test_bad_options():
    with pytest.raises(ValueError, match="'natural', 'uniform'.*got 'hard'"):
        QuadrupletBatchSampler(sampler(), 2, negative='hard')
    with pytest.raises(ValueError, match='≥ 1'):
        PairBatchSampler(sampler(), 0)
    with pytest.raises(ValueError, match='SubsetRandomSampler lacks'):
        PairBatchSampler(SubsetRandomSampler([0, 1]), 2)
    with pytest.raises(ValueError, match='fraction'):
        BalancedSampler(Labelled(LABELS), fraction=0)
