"""Top-1 accuracy and mean class accuracy, always side by side."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub, print_log
from mmengine.visualization import Visualizer
from mmpretrain.evaluation import ConfusionMatrix

from mmqcs.functional.bootstrap import accuracies, bootstrap_intervals
from mmqcs.registry import METRICS

__all__ = ['FERMetric']


@METRICS.register_module()
class FERMetric(BaseMetric):
    """Accuracy of facial expression recognition.

    Facial expression data sets are unbalanced, so the share of images that are
    right (top-1) hides the rare classes. This metric therefore always reports
    both numbers, and the recall of each class, in percent:

    - ``accuracy/top1``: images classified correctly.
    - ``accuracy/mean_class``: mean of the recalls.
    - ``recall/<class name>``: images of the class classified correctly.
    - ``accuracy/top1_low``, ``_high`` and ``accuracy/mean_class_low``, ``_high``:
      95 % bootstrap intervals over the images.

    A class without images has no recall: it is left out of the mean, has no
    key in the result, and is named in the log.

    Args:
        confusion_matrix: Whether to hand a picture of the confusion matrix
            to the current visualizer, which saves it with every backend
            (``vis_data/vis_image/confusion_matrix_<iteration>.png`` locally),
            and to add the counts to the result as ``confusion_matrix/result``,
            rows: true class, columns: predicted class. Set it to False in
            ``val_evaluator`` if one picture per epoch is too many.
            Defaults to True.
        intervals: Whether to add the bootstrap intervals. The draws are seeded,
            so the same predictions give the same intervals. Defaults to True.
        collect_device: Where the results of all processes are collected,
            'cpu' or 'gpu'. Defaults to 'cpu'.
        prefix: Put before each key. Defaults to None.

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

    # Keys such as 'accuracy/top1' and 'recall/Fear' carry their own prefix;
    # an empty string, unlike None, tells BaseMetric that this is meant.
    default_prefix = ''

    def __init__(
        self,
        confusion_matrix: bool = True,
        intervals: bool = True,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
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
        """Keep prediction, label and number of classes of each image.

        Args:
            data_batch: Unused.
            data_samples: One dict an image, with ``gt_label`` (1,) and
                ``pred_score`` (C,).

        Raises:
            ValueError: If there is not exactly one label, or it is not one of
                the classes that the scores stand for.
        """
        for sample in data_samples:
            if 'pred_score' not in sample or 'gt_label' not in sample:
                raise ValueError(
                    "FERMetric needs 'pred_score' and 'gt_label' in each data "
                    f'sample, got {sorted(sample)}'
                )
            score, label = sample['pred_score'], torch.as_tensor(sample['gt_label'])
            if label.numel() != 1:
                raise ValueError(
                    f'FERMetric needs one label an image, got {label.tolist()}'
                )
            if not 0 <= label.item() < len(score):
                raise ValueError(
                    f'label {label.item()} is not in 0..{len(score) - 1}: the model '
                    f'gives {len(score)} scores; set num_classes of the head to the '
                    'number of classes of the data set'
                )
            self.results.append((int(score.argmax()), int(label), len(score)))

    def compute_metrics(self, results: list[tuple[int, int, int]]) -> dict[str, Any]:
        """Compute the metrics of all images.

        Args:
            results: (predicted class, true class, number of classes) an image.

        Returns:
            The metrics, see the class.

        Raises:
            ValueError: If there are no images, or the data set names another
                number of classes than the model gives scores for.
        """
        if not results:
            raise ValueError('FERMetric got no images; is the data set empty?')
        predicted, labels, sizes = zip(*results, strict=True)
        classes = self._class_names(sizes[0])
        matrix = ConfusionMatrix.calculate(
            torch.tensor(predicted), torch.tensor(labels), len(classes)
        ).numpy()

        support = matrix.sum(axis=1)
        top1, mean_class = accuracies(matrix)
        recalls = {
            name: float(100 * matrix[i, i] / support[i])
            for i, name in enumerate(classes)
            if support[i] > 0
        }
        absent = [name for name in classes if name not in recalls]
        if absent:
            print_log(
                f'No images of {", ".join(absent)}: left out of accuracy/mean_class.',
                logger='current',
                level=logging.WARNING,
            )
        metrics: dict[str, Any] = {
            'accuracy/top1': float(top1),
            'accuracy/mean_class': float(mean_class),
        }
        if self.intervals:
            intervals = bootstrap_intervals(matrix, np.random.default_rng(0))
            for name, ends in zip(('top1', 'mean_class'), intervals, strict=True):
                for end, value in zip(('low', 'high'), ends, strict=True):
                    metrics[f'accuracy/{name}_{end}'] = value
        metrics.update({f'recall/{name}': value for name, value in recalls.items()})
        if self.confusion_matrix:
            self._add_picture(matrix, classes, metrics)
            metrics['confusion_matrix/result'] = matrix.tolist()
        return metrics

    def _class_names(self, num_scores: int) -> tuple[str, ...]:
        """Names from the data set, or the indices where it has none."""
        classes = (self.dataset_meta or {}).get('classes')
        if classes is None:
            return tuple(str(i) for i in range(num_scores))
        if len(classes) != num_scores:
            raise ValueError(
                f'the model gives {num_scores} scores, but the data set has '
                f'{len(classes)} classes {tuple(classes)}; set num_classes of the '
                f'head to {len(classes)}'
            )
        return tuple(classes)

    @staticmethod
    def _add_picture(
        matrix: np.ndarray, classes: tuple[str, ...], metrics: dict[str, float]
    ) -> None:
        """Draw the confusion matrix with the current visualizer, if there is one."""
        try:
            visualizer = Visualizer.get_current_instance()
        except RuntimeError:  # evaluation of saved predictions, without a runner
            print_log('No visualizer: the confusion matrix is not drawn.', 'current')
            return
        from mmqcs.visualization import draw_confusion_matrix  # loads matplotlib

        image = draw_confusion_matrix(
            matrix,
            classes,
            f'top-1 {metrics["accuracy/top1"]:.2f}%, '
            f'mean class accuracy {metrics["accuracy/mean_class"]:.2f}%',
        )
        # iterations done: 0 in a test run, where no iteration was recorded
        step = MessageHub.get_current_instance().get_info('iter', -1) + 1
        visualizer.add_image('confusion_matrix', image, step=step)
