"""The predictions of a validation or test, as figures and reports need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from mmpretrain.structures import DataSample

from mmqcs.atomic import atomic_file

LONGEST_NAME = 26
_ARRAYS = ('labels', 'predicted', 'confidence', 'true_confidence', 'indices')
_TEXTS = ('classes', 'paths')


class ClassFigures(NamedTuple):
    """Number of images of a class, and figures in percent, None if they are 0 / 0."""

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Predictions:
    """Predictions for N images, without the images.

    Args:
        classes: Class names.
        labels: True classes, integer (N,).
        predicted: Classes with the highest score, integer (N,).
        confidence: The highest scores, (N,).
        true_confidence: Scores of the true classes, (N,).
        paths: Image files, '' where there is none.
        indices: Positions in the dataset, integer (N,), −1 where unknown.

    Raises:
        ValueError: The arrays differ in length, or a class is out of range.
    """

    classes: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    true_confidence: np.ndarray
    paths: tuple[str, ...]
    indices: np.ndarray

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in (*_ARRAYS, 'paths')}
        if len(lengths) > 1:
            raise ValueError(f'the arrays hold {sorted(lengths)} images')
        for name in ('labels', 'predicted'):
            values = getattr(self, name)
            highest = len(self.classes) - 1
            if len(values) and not 0 <= values.min() <= values.max() <= highest:
                raise ValueError(f'{name} are not all in 0..{highest}')

    @classmethod
    def from_rows(
        cls, rows: Sequence[tuple], classes: Sequence[str] | None
    ) -> 'Predictions':
        """Combine rows of :func:`prediction_rows`, at least one.

        If ``classes`` is None, the classes are named by their numbers.
        """
        labels, predicted, confidence, true, paths, indices = zip(*rows, strict=True)
        if classes is None:
            classes = [str(i) for i in range(1 + max(*labels, *predicted))]
        return cls(
            classes=tuple(classes),
            labels=np.array(labels),
            predicted=np.array(predicted),
            confidence=np.array(confidence, np.float32),
            true_confidence=np.array(true, np.float32),
            paths=tuple(map(str, paths)),
            indices=np.array(indices),
        )

    @property
    def accuracy(self) -> float:
        """Percentage of images whose class is predicted correctly."""
        return float(100 * (self.labels == self.predicted).mean())

    def confusion_matrix(self) -> np.ndarray:
        """Return counts, (C, C); rows are true classes, columns predicted ones."""
        size = len(self.classes)
        cells = np.bincount(self.labels * size + self.predicted, minlength=size**2)
        return cells.reshape(size, size)

    def hardest_errors(self, count: int) -> np.ndarray:
        """Return positions of the most confident errors, (≤ count,), worst first."""
        wrong = np.flatnonzero(self.labels != self.predicted)
        order = np.argsort(-self.confidence[wrong], kind='stable')
        return wrong[order[:count]]

    def caption(self, i: int) -> str:
        """Return file, true and predicted class, and scores of an image."""
        name = Path(self.paths[i]).name if self.paths[i] else f'image {self.indices[i]}'
        if len(name) > LONGEST_NAME:  # the end of a name tells most
            name = f'…{name[1 - LONGEST_NAME :]}'
        true, predicted = self.classes[self.labels[i]], self.classes[self.predicted[i]]
        return (
            f'{name}\ntrue: {true} ({self.true_confidence[i]:.2f})\n'
            f'predicted: {predicted} ({self.confidence[i]:.2f})'
        )

    def class_figures(self) -> list[ClassFigures]:
        """Return support, precision, recall and F1 of each class."""
        matrix = self.confusion_matrix()
        counts = np.stack([np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)])
        return [
            ClassFigures(
                name,
                support,
                100 * correct / predicted if predicted else None,
                100 * correct / support if support else None,
                200 * correct / (support + predicted) if support + predicted else None,
            )
            for name, (correct, support, predicted) in zip(
                self.classes, counts.T.tolist(), strict=True
            )
        ]

    def save(self, path: Path) -> None:
        """Write a file of arrays, which :meth:`load` reads without pickling."""
        names = *_ARRAYS, *_TEXTS
        content: dict[str, Any] = {x: np.array(getattr(self, x)) for x in names}
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as draft, draft.open('wb') as file:
            np.savez_compressed(file, **content)

    @classmethod
    def load(cls, path: Path) -> 'Predictions':
        """Read a file that :meth:`save` wrote; raise a ValueError for another."""
        try:
            with np.load(path, allow_pickle=False) as file:
                content: dict[str, Any] = {name: file[name] for name in _ARRAYS}
                content |= {name: tuple(file[name].tolist()) for name in _TEXTS}
        except (BadZipFile, KeyError, ValueError, EOFError, TypeError):
            # the message of numpy would advise to unpickle the file
            raise ValueError(f'{path} holds no predictions of mmqcs') from None
        return cls(**content)


def prediction_rows(samples: Sequence[DataSample]) -> list[tuple]:
    """Return what is kept of the predictions for a batch.

    Returns:
        For each image: label, predicted class, confidence, score of the true class,
        path, index. None if the samples have no scores, or not one label each.
    """
    if not samples or not all(map(_is_classified, samples)):
        return []
    scores = torch.stack([sample.pred_score for sample in samples]).float()
    labels = torch.cat([sample.gt_label for sample in samples]).to(scores.device)
    confidence, predicted = scores.max(dim=1)
    true = scores.gather(1, labels.view(-1, 1)).squeeze(1)
    numbers = (labels, predicted, confidence, true)
    return [
        (*row, sample.get('img_path', ''), sample.get('sample_idx', -1))
        for *row, sample in zip(*(x.tolist() for x in numbers), samples, strict=True)
    ]


def _is_classified(sample: DataSample) -> bool:
    return 'pred_score' in sample and sample.get('gt_label', torch.ones(0)).numel() == 1
