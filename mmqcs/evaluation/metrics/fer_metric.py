"""Top-1 accuracy and mean class accuracy, always reported together."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpretrain.evaluation import ConfusionMatrix

from mmqcs.functional.bootstrap import accuracies, bootstrap_intervals
from mmqcs.registry import METRICS

__all__ = ['FERMetric']


@METRICS.register_module()
class FERMetric(BaseMetric):
    """Accuracy of facial expression recognition.

    Facial expression datasets are imbalanced, so top-1 accuracy hides the rare classes.
    This metric always reports both accuracies and the recall of each class, in percent:

    - ``accuracy/top1``: images classified correctly.
    - ``accuracy/mean_class``: mean of the recalls.
    - ``recall/<class name>``: images of the class classified correctly.
    - ``accuracy/top1_low``, ``_high`` and ``accuracy/mean_class_low``, ``_high``:
      95 % bootstrap intervals over the images.

    A class without images has no recall. It is left out of the mean and of the result,
    and is named in the log.

    Args:
        confusion_matrix: Whether to add the confusion matrix to the result as
            ``confusion_matrix/result``: counts, with true classes in rows and predicted
            classes in columns. ``mmqcs.ReportHook`` plots it, once per validation or
            test. Defaults to True.
        intervals: Whether to add the bootstrap intervals. They use a fixed seed, so
            equal predictions give equal intervals. Defaults to True.
        **kwargs: Arguments of MMEngine's ``BaseMetric``.

    Examples:
        >>> val_evaluator = dict(
        ...     type='mmqcs.FERMetric', confusion_matrix=False, intervals=False)
        >>> test_evaluator = dict(type='mmqcs.FERMetric')
        >>> metric = FERMetric(confusion_matrix=False, intervals=False)
        >>> metric.dataset_meta = {'classes': ('Happy', 'Sad')}
        >>> happy = torch.tensor([0.9, 0.1])
        >>> samples = [{'pred_score': happy, 'gt_label': x} for x in (0, 0, 0, 1)]
        >>> metric.process(None, samples)
        >>> metric.evaluate(size=4)
        {'accuracy/top1': 75.0, 'accuracy/mean_class': 50.0,
         'recall/Happy': 100.0, 'recall/Sad': 0.0}
    """

    # Keys such as 'accuracy/top1' have their own prefix. Unlike None, an empty string
    # tells BaseMetric that this is intended.
    default_prefix = ''

    def __init__(
        self, confusion_matrix: bool = True, intervals: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.confusion_matrix = confusion_matrix
        self.intervals = intervals

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics, without ``prefix``, for the classes of the dataset."""
        names = ['accuracy/top1', 'accuracy/mean_class']
        if self.intervals:
            names += [f'{name}_{end}' for name in names for end in ('low', 'high')]
        classes = (self.dataset_meta or {}).get('classes') or ()
        return names + [f'recall/{name}' for name in classes]

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store prediction, label and number of classes of each image.

        Args:
            data_batch: Unused.
            data_samples: One dict per image, with ``gt_label`` (1,) in range and
                ``pred_score`` (C,).
        """
        for sample in data_samples:
            score, label = sample['pred_score'], torch.as_tensor(sample['gt_label'])
            if label.numel() != 1:
                labels = label.tolist()
                raise ValueError(f'FERMetric needs one label per image, got {labels}')
            if not 0 <= label.item() < len(score):
                raise ValueError(
                    f'label {label.item()} is out of range for a model with '
                    f'{len(score)} scores; set num_classes of the head to the number '
                    f'of classes of the dataset'
                )
            self.results.append((int(score.argmax()), int(label), len(score)))

    def compute_metrics(self, results: list[tuple[int, int, int]]) -> dict[str, Any]:
        """Compute the metrics of the results of :meth:`process`.

        Raises:
            ValueError: There are no images, or the number of classes of the dataset
                differs from the number of scores.
        """
        if not results:
            raise ValueError('FERMetric got no images; is the dataset empty?')
        predicted, labels, sizes = zip(*results, strict=True)
        classes = self._class_names(sizes[0])
        matrix = ConfusionMatrix.calculate(
            torch.tensor(predicted), torch.tensor(labels), len(classes)
        ).numpy()
        support = matrix.sum(axis=1)
        absent = [classes[i] for i in np.flatnonzero(support == 0)]
        if absent:
            print_log(
                f'No images of {", ".join(absent)}: left out of accuracy/mean_class.',
                logger='current',
                level=logging.WARNING,
            )
        names = ('accuracy/top1', 'accuracy/mean_class')
        values = map(float, accuracies(matrix))
        metrics: dict[str, Any] = dict(zip(names, values, strict=True))
        if self.intervals:
            intervals = bootstrap_intervals(matrix, np.random.default_rng(0))
            for name, (low, high) in zip(names, intervals, strict=True):
                metrics |= {f'{name}_low': low, f'{name}_high': high}
        for i, name in enumerate(classes):
            if name not in absent:
                metrics[f'recall/{name}'] = float(100 * matrix[i, i] / support[i])
        if self.confusion_matrix:
            metrics['confusion_matrix/result'] = matrix.tolist()
        return metrics

    def _class_names(self, num_scores: int) -> tuple[str, ...]:
        """Return the class names of the dataset, or indices if it has none."""
        classes = (self.dataset_meta or {}).get('classes')
        if classes is None:
            return tuple(str(i) for i in range(num_scores))
        if len(classes) != num_scores:
            raise ValueError(
                f'the model has {num_scores} scores, but the dataset has '
                f'{len(classes)} classes {tuple(classes)}; set num_classes of the '
                f'head to {len(classes)}'
            )
        return tuple(classes)
