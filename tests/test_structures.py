"""Labels of a batch, as tensors and as data samples."""

import collections.abc
import pickle

import pytest
import torch
from dispatch import NoSync
from mmpretrain.structures import DataSample
from torch.utils.data import DataLoader
from torch.utils.data._utils.pin_memory import pin_memory

from mmqcs.datasets import collate_faces
from mmqcs.registry import FUNCTIONS
from mmqcs.structures import LabelBatch

LABELS = torch.tensor([3, 0, 5])
SCORES = torch.eye(7)[LABELS]


def items(scores=False):
    for i, label in enumerate(LABELS.tolist()):
        sample = DataSample(metainfo=dict(img_path=f'{i}.jpg')).set_gt_label(label)
        if scores:
            sample.set_gt_score(SCORES[i])
        yield dict(
            inputs=torch.full((3, 4, 5), i, dtype=torch.uint8), data_samples=sample
        )


@pytest.mark.parametrize('scores', [False, True])
def test_collated_samples_are_those_of_the_dataset(scores):
    given = list(items(scores))
    batch = FUNCTIONS.get('mmqcs.collate_faces')(given)
    assert torch.equal(batch['inputs'], torch.stack([x['inputs'] for x in given]))
    labels = pickle.loads(pickle.dumps(batch['data_samples']))
    assert len(labels) == 3
    for sample, item in zip(labels, given, strict=True):
        original = item['data_samples']
        assert isinstance(sample, DataSample)
        assert sorted(sample.keys()) == sorted(original.keys())
        assert torch.equal(sample.gt_label, original.gt_label)
        if scores:
            assert torch.equal(sample.gt_score, original.gt_score)
    assert 'img_path' not in labels[0]


def test_samples_are_made_once_and_are_views():
    batch = LabelBatch(LABELS.clone(), SCORES)
    assert batch[-1] is list(batch)[2]
    assert batch[1:] == list(batch)[1:]
    batch.labels += 1
    assert torch.cat([sample.gt_label for sample in batch]).tolist() == [4, 1, 6]
    assert torch.equal(torch.stack([sample.gt_score for sample in batch]), SCORES)


def test_the_data_loader_pins_the_tensors_and_not_the_samples(monkeypatch):
    pinned = []
    monkeypatch.setattr(
        torch.Tensor, 'pin_memory', lambda x: pinned.append(x) or x.clone()
    )
    batch = pin_memory(dict(data_samples=LabelBatch(LABELS, SCORES)))['data_samples']
    assert [tuple(x.shape) for x in pinned] == [(3, 7), (3,)]
    assert torch.equal(batch.labels, LABELS)
    assert batch.host_labels.tolist() == LABELS.tolist()
    assert not isinstance(batch, collections.abc.Sequence)


def test_a_device_gets_the_tensors_and_the_host_keeps_the_labels():
    batch = LabelBatch(LABELS, SCORES, LABELS.numpy())
    with NoSync() as mode:
        moved = batch.to('meta', non_blocking=True)
    assert moved.labels.is_meta
    assert moved.scores.is_meta
    assert moved[0].gt_label.is_meta
    assert moved.host_labels is batch.host_labels
    assert mode.counts['aten::_to_copy'] == 2


def test_host_labels_survive_the_way_from_a_worker():
    """A tensor that is sent moves its memory, which an array must not share."""
    loader = DataLoader(
        list(items()), batch_size=3, num_workers=1, collate_fn=collate_faces
    )
    for batch in loader:
        labels = batch['data_samples']
        assert labels.host_labels.tolist() == labels.labels.tolist() == LABELS.tolist()


def test_host_labels_have_their_own_memory():
    batch = LabelBatch(LABELS.clone())
    host = batch.host_labels
    batch.labels += 1
    assert host.tolist() == LABELS.tolist()


def with_sample(change):
    given = list(items())
    change(given[1]['data_samples'])
    return given


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.set_mask(torch.ones(2)), 'data sample 1 .* mask.*default_collate'),
        (lambda s: s.set_gt_score(torch.ones(7)), r'data sample 1 .* gt_score \[7\]'),
        (lambda s: s.set_gt_label([1, 2]), r'data sample 1 .* gt_label \[2\]'),
        (lambda s: s.pop('gt_label'), 'data sample 1 .* neither'),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        collate_faces(with_sample(change))


def test_images_of_two_shapes_do_not_stack():
    given = list(items())
    given[1]['inputs'] = torch.zeros(3, 4, 6, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match=r'\[3, 4, 5\].*\[3, 4, 6\]'):
        collate_faces(given)
