"""Predictions as reports keep them."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mmqcs.runs.predictions import Predictions, prediction_rows

CLASSES = ('Fear', 'Anger', 'Joy $x$', 'Neutral')


def make(labels, predicted, confidence=None):
    size = len(labels)
    confidence = np.linspace(0.4, 0.9, size) if confidence is None else confidence
    return Predictions(
        classes=CLASSES,
        labels=np.array(labels),
        predicted=np.array(predicted),
        confidence=np.array(confidence, np.float32),
        true_confidence=np.zeros(size, np.float32),
        paths=tuple(f'folder/{i}.jpg' for i in range(size)),
        indices=np.arange(size),
    )


def sample(score, label, **meta):
    out = DataSample(metainfo=meta).set_pred_score(torch.tensor(score))
    return out.set_gt_label(label)


def test_rows_of_a_batch():
    samples = [
        sample([0.2, 0.7, 0.1], 0, img_path='a.jpg', sample_idx=5),
        sample([0.1, 0.3, 0.6], 2),
    ]
    rows = prediction_rows(samples)
    assert [tuple(row)[:2] + tuple(row)[4:] for row in rows] == [
        (0, 1, 'a.jpg', 5),
        (2, 2, '', -1),
    ]
    assert [tuple(row)[2:4] for row in rows] == [
        pytest.approx((0.7, 0.2)),
        pytest.approx((0.6, 0.6)),
    ]
    found = Predictions.from_rows(rows, None)
    assert found.classes == ('0', '1', '2')
    assert found.accuracy == 50
    assert found.paths == ('a.jpg', '')


def test_what_is_no_classification_gives_no_rows():
    assert prediction_rows([]) == []
    assert prediction_rows([DataSample()]) == []
    assert prediction_rows([sample([0.5, 0.5], [0, 1])]) == []


@pytest.mark.parametrize('seed', range(3))
def test_figures_agree_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, 3, (2, 40))  # no image of the last class
    found = make(labels, predicted)
    expected = confusion_matrix(labels, predicted, labels=range(4))
    np.testing.assert_array_equal(found.confusion_matrix(), expected)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=range(4), zero_division=np.nan
    )
    for i, figures in enumerate(found.class_figures()):
        assert figures.name == CLASSES[i]
        assert figures.support == support[i]
        for ours, theirs in zip(
            (figures.precision, figures.recall, figures.f1),
            (precision[i], recall[i], f1[i]),
            strict=True,
        ):
            assert (ours is None) == np.isnan(theirs)
            assert ours is None or ours == pytest.approx(100 * theirs)


def test_the_hardest_errors_come_first():
    found = make([0, 0, 1, 1, 2], [0, 1, 0, 1, 0], [0.9, 0.6, 0.8, 0.7, 0.6])
    assert found.hardest_errors(10).tolist() == [2, 1, 4]  # equals in their order
    assert found.hardest_errors(1).tolist() == [2]


def test_captions_keep_the_end_of_long_names():
    found = make([0], [2], [0.75])
    assert found.caption(0) == '0.jpg\ntrue: Fear (0.00)\npredicted: Joy $x$ (0.75)'
    long = Predictions(**{**vars(found), 'paths': (f'a/{"x" * 40}7.jpg',)})
    name = long.caption(0).splitlines()[0]
    assert len(name) == 26
    assert name.startswith('…x') and name.endswith('7.jpg')
    nameless = Predictions(**{**vars(found), 'paths': ('',)})
    assert nameless.caption(0).startswith('image 0\n')


def test_saved_and_loaded(tmp_path):
    found = make([0, 1, 3], [3, 1, 0])
    found.save(tmp_path / 'new/predictions.npz')
    again = Predictions.load(tmp_path / 'new/predictions.npz')
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert again.classes == CLASSES


def test_other_files_are_refused(tmp_path):
    path = tmp_path / 'x.npz'
    with pytest.raises(FileNotFoundError):
        Predictions.load(path)
    path.write_bytes(b'no archive')
    with pytest.raises(ValueError, match=r'x\.npz holds no predictions'):
        Predictions.load(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'x\.npz holds no predictions'):
        Predictions.load(path)
    with path.open('wb') as file:
        np.savez(file, labels=np.zeros(1))
    with pytest.raises(ValueError, match=r'x\.npz holds no predictions'):
        Predictions.load(path)
    with path.open('wb') as file:  # objects are pickled, and not read
        np.savez(file, **{**vars(make([0], [0])), 'paths': np.array([{}], object)})
    with pytest.raises(ValueError, match=r'x\.npz holds no predictions'):
        Predictions.load(path)


def test_contradictions():
    with pytest.raises(ValueError, match='predicted are not all in 0..3'):
        make([0], [4])
    with pytest.raises(ValueError, match='labels are not all in 0..3'):
        make([-1], [0])
    with pytest.raises(ValueError, match=r'\[1, 2\]'):
        make([0, 1], [0, 1], [0.5])
