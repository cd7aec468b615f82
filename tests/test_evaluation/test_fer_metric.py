import warnings

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score

from mmqcs.evaluation import FERMetric
from mmqcs.registry import METRICS

CLASSES = ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness')


def samples(scores: torch.Tensor, labels: list[int]) -> list[DataSample]:
    return [
        DataSample().set_gt_label(label).set_pred_score(score)
        for score, label in zip(scores, labels, strict=True)
    ]


def evaluate(scores: torch.Tensor, labels: list[int], **options: object) -> dict:
    """Run the metric in batches of 7, as the test loop does."""
    evaluator = Evaluator(FERMetric(**options))
    evaluator.dataset_meta = {'classes': CLASSES}
    for start in range(0, len(labels), 7):
        chunk = slice(start, start + 7)
        evaluator.process(samples(scores[chunk], labels[chunk]))
    return evaluator.evaluate(len(labels))


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('num_present', [5, 3])
def test_numbers_agree_with_scikit_learn(seed, num_present):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_present, 60)
    labels[:num_present] = np.arange(num_present)
    scores = rng.normal(size=(60, 5)) + 1.5 * np.eye(5)[labels]
    predicted = scores.argmax(axis=1)

    result = evaluate(
        torch.tensor(scores), labels.tolist(), confusion_matrix=False, intervals=False
    )

    assert result.pop('accuracy/top1') == pytest.approx(
        100 * (predicted == labels).mean()
    )
    with warnings.catch_warnings():  # of predictions in classes without images
        warnings.simplefilter('ignore', UserWarning)
        expected = 100 * balanced_accuracy_score(labels, predicted)
    assert result.pop('accuracy/mean_class') == pytest.approx(expected)
    recalls = 100 * recall_score(
        labels, predicted, labels=range(num_present), average=None
    )
    assert result == {
        f'recall/{name}': pytest.approx(value)
        for name, value in zip(CLASSES, recalls, strict=False)
    }


def test_intervals_hold_the_accuracies_and_are_reproducible():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 5, 60), rng.normal(size=(60, 5))
    result = evaluate(torch.tensor(scores), labels.tolist(), confusion_matrix=False)
    for name in ('top1', 'mean_class'):
        low, high = (result[f'accuracy/{name}_{end}'] for end in ('low', 'high'))
        assert low < result[f'accuracy/{name}'] < high
    again = evaluate(torch.tensor(scores), labels.tolist(), confusion_matrix=False)
    assert again == result


def test_is_found_by_its_config_name():
    metric = METRICS.build({'type': 'mmqcs.FERMetric', 'prefix': 'raf'})
    metric.dataset_meta = {'classes': CLASSES}
    metric.process(None, [s.to_dict() for s in samples(torch.eye(5), [0, 1, 2, 3, 4])])
    assert metric.evaluate(5)['raf/accuracy/mean_class'] == 100


def test_absent_class_is_named_in_the_log(monkeypatch):
    messages = []
    module = 'mmqcs.evaluation.metrics.fer_metric'
    monkeypatch.setattr(f'{module}.print_log', lambda text, **_: messages.append(text))
    evaluate(torch.eye(5)[:3], [0, 1, 2], confusion_matrix=False)
    assert len(messages) == 1
    assert messages[0].startswith('No images of Happiness, Sadness:')


def test_padding_of_distributed_sampler_is_dropped():
    metric = FERMetric(confusion_matrix=False)
    for sample in samples(torch.eye(5)[[0, 1, 2, 2]], [0, 1, 2, 4]):
        metric.process(None, [sample.to_dict()])
    assert metric.evaluate(size=3)['accuracy/top1'] == 100


def test_counts():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 5, 40), rng.normal(size=(40, 5))
    result = evaluate(torch.tensor(scores), labels.tolist())
    expected = confusion_matrix(labels, scores.argmax(axis=1), labels=range(5))
    assert result['confusion_matrix/result'] == expected.tolist()


def test_without_class_names():
    metric = FERMetric()
    metric.process(None, [s.to_dict() for s in samples(torch.eye(3), [0, 1, 1])])
    result = metric.evaluate(3)
    assert result['recall/1'] == 50
    assert result['confusion_matrix/result'] == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize('label', [5, -1])
def test_label_out_of_range(label):
    sample = {'pred_score': torch.ones(5), 'gt_label': torch.tensor([label])}
    with pytest.raises(ValueError, match=rf'label {label} .*5 scores'):
        FERMetric().process(None, [sample])


def test_several_labels():
    sample = {'pred_score': torch.ones(5), 'gt_label': torch.tensor([1, 2])}
    with pytest.raises(ValueError, match=r'one label .*\[1, 2\]'):
        FERMetric().process(None, [sample])


def test_number_of_scores_and_classes_differ():
    with pytest.raises(ValueError, match='4 scores.* 5 classes'):
        evaluate(torch.eye(4), [0, 1, 2, 3], confusion_matrix=False)


def test_no_images():
    with pytest.raises(ValueError, match='no images'):
        FERMetric().evaluate(0)
