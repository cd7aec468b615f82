"""Wrong labels in training splits."""

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmqcs.datasets import RAFDB, ConcatDataset, FERPlus, QuadrupletBatchSampler
from mmqcs.functional.dataset_labels import dataset_labels
from mmqcs.registry import DATA_SAMPLERS

pytest_plugins = 'fer_trees'

COUNTS = {1: 20, 2: 10, 4: 14}  # folders of RAF-DB: Surprise, Fear, Happiness


@pytest.fixture
def rafdb(tmp_path, put):
    for folder, count in COUNTS.items():
        put(tmp_path, *(f'train/{folder}/{i:02d}.jpg' for i in range(count)))
        put(tmp_path, f'test/{folder}/0.jpg', f'test/{folder}/1.jpg')
    return str(tmp_path)


def labels(root, **noise):
    return RAFDB(root, label_noise=noise or None).get_gt_labels()


def test_uniform_noise_goes_to_classes_that_occur(rafdb, log):
    clean, data = labels(rafdb), RAFDB(rafdb, label_noise=dict(rate=0.5))
    noisy = data.get_gt_labels()
    flips = np.zeros((7, 7), dtype=int)
    np.add.at(flips, (clean, noisy), clean != noisy)
    assert flips.sum(axis=1).tolist() == [10, 5, 0, 7, 0, 0, 0]
    assert set(noisy) == {0, 1, 3}
    assert data.metainfo['label_noise'] == {
        'rate': 0.5,
        'seed': 0,
        'classes': list(data.CLASSES),
        'flips': flips.tolist(),
    }
    assert 'replaces 22 of 44 labels' in log.info[-1]
    assert 'label_noise' not in RAFDB(rafdb).metainfo


def test_the_seed_decides(rafdb):
    first = labels(rafdb, rate=0.5, seed=1)
    assert (first == labels(rafdb, rate=0.5, seed=1)).all()
    assert (first != labels(rafdb, rate=0.5, seed=2)).any()


def test_everybody_sees_the_wrong_labels(rafdb):
    """Pipelines, workers, samplers and datasets around it; nobody the right ones."""
    data = RAFDB(rafdb, label_noise=dict(rate=0.5))
    noisy = data.get_gt_labels()
    loader = DataLoader(data, num_workers=2, batch_size=None, collate_fn=lambda x: x)
    for i, item in enumerate(loader):
        assert item['gt_label'] == noisy[i]
        assert 'clean' not in ' '.join(item)
    assert (dataset_labels(ConcatDataset([data, data])) == [*noisy, *noisy]).all()
    anchors = DATA_SAMPLERS.build(dict(type='DefaultSampler', dataset=data, seed=0))
    for batch in QuadrupletBatchSampler(anchors, 8):
        a, p, n, m = noisy[np.reshape(batch, (4, -1))]
        assert (a == p).all() and (n == m).all() and (a != n).all()


@pytest.mark.parametrize('kind', ['names', 'matrix'])
def test_a_table_says_where_labels_go(rafdb, kind):
    table = {'fearful': {'Surprise': 2, 'happy': 1}}
    if kind == 'matrix':
        table = np.zeros((7, 7)).tolist()
        table[1][0], table[1][3] = 2, 1
    clean = labels(rafdb)
    noisy = labels(rafdb, rate=1, table=table)
    fear = clean == 1
    assert (clean[~fear] == noisy[~fear]).all()
    assert set(noisy[fear]) == {0, 3}


def test_names_follow_the_order_of_the_labels(rafdb):
    data = RAFDB(
        rafdb,
        label_order=('Happy', 'Fear', 'Surprise'),
        label_noise=dict(rate=1, table={'Fear': {'Surprise': 1}}),
    )
    flips = data.metainfo['label_noise']['flips']
    assert flips == [[0, 0, 0], [0, 0, 10], [0, 0, 0]]


@pytest.mark.parametrize(
    ('noise', 'message'),
    [
        (dict(rate=1.5), r'rate must be from 0 to 1, got 1\.5'),
        (dict(rate=0.1, table={'Fear': {'Joyful': 1}}), r"'Joyful'.*Surprise, Fear"),
        (dict(rate=0.1, table={'Fear': {'Fear': 1}}), 'row of Fear'),
        (dict(rate=0.1, table={'Fear': {'Anger': -1}}), r'row of Fear.*-1'),
        (dict(rate=0.1, table=[[0, 1], [1, 0]]), r'7 classes.*\(2, 2\)'),
    ],
)
def test_bad_noise(rafdb, noise, message):
    with pytest.raises(ValueError, match=message):
        RAFDB(rafdb, label_noise=noise)


def test_other_splits_refuse_it(rafdb):
    with pytest.raises(ValueError, match="only for the split 'train'.*'test'"):
        RAFDB(rafdb, split='test', label_noise=dict(rate=0.1))
    with pytest.raises(ValueError, match="only for the split 'train'.*held-out part"):
        RAFDB(rafdb, val_fraction=0.5, held_out=True, label_noise=dict(rate=0.1))


def test_soft_labels_change_with_the_label(tmp_path, put):
    """The scores of the old and the new class change places."""
    header = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,'
    lines = [f'{header}contempt,unknown,NF']
    for i in range(4):
        put(tmp_path, f'FER2013Train/fer{i:07d}.png')
        lines.append(f'Training,fer{i:07d}.png,1,7,2,0,0,0,0,0,0,0')
    root = put(tmp_path, 'fer2013new.csv', text='\n'.join(lines))
    kwargs = dict(soft_labels=True)
    clean = FERPlus(str(root), **kwargs)
    noise = dict(rate=0.5, table={'Happiness': {'Fear': 1}})
    noisy = FERPlus(str(root), label_noise=noise, **kwargs)
    assert sorted(noisy.get_gt_labels()) == [1, 1, 6, 6]
    for before, after in zip(clean, noisy, strict=True):
        expected = before['gt_score'].copy()
        if after['gt_label'] == 6:
            expected[[1, 6]] = expected[[6, 1]]
        np.testing.assert_array_equal(after['gt_score'], expected)
        assert after['gt_score'].argmax() == after['gt_label']
