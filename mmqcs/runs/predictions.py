"""The predictions of a validation or test, as figures and reports need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from mmpretrain.structures import DataSample

__all__ = ['ClassFigures', 'PredictionRow', 'Predictions', 'prediction_rows']

LONGEST_NAME = 26
_ARRAYS = ('labels', 'predicted', 'confidence', 'true_confidence')


class PredictionRow(NamedTuple):
    """One prediction; the attributes are those of :class:`Predictions`."""

    label: int
    predicted: int
    confidence: float
    true_confidence: float
    path: str
    index: int


@dataclass(frozen=True)
class ClassFigures:
    """How one class fares; percentages are None where they would be 0 / 0.

    Attributes:
        name: The class.
        support: Images of it.
        precision: Share of the images taken for it that are of it, in percent.
        recall: Share of its images that were found, in percent.
        f1: Harmonic mean of both, in percent.
    """

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Predictions:
    """Predictions of N images, without the images.

    Args:
        classes: Class names.
        labels: True classes, integer (N,).
        predicted: Classes of the highest score, integer (N,).
        confidence: These scores, (N,).
        true_confidence: Scores of the true classes, (N,).
        paths: Files of the images, '' where there is none.
        indices: Their numbers in the data set, integer (N,), −1 where unknown.

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
        arrays = [getattr(self, name) for name in _ARRAYS]
        lengths = {len(x) for x in (*arrays, self.paths, self.indices)}
        if len(lengths) > 1:
            raise ValueError(f'predictions of {sorted(lengths)} images')
        for name in ('labels', 'predicted'):
            values = getattr(self, name)
            highest = len(self.classes) - 1
            if len(values) and not 0 <= values.min() <= values.max() <= highest:
                raise ValueError(f'{name} are not all in 0..{highest}')

    @classmethod
    def from_rows(
        cls, rows: Sequence[PredictionRow], classes: Sequence[str] | None
    ) -> 'Predictions':
        """Puts rows together.

        Args:
            rows: At least one, from :func:`prediction_rows`.
            classes: Class names; None gives classes their numbers for names.
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
        """Share of the images whose class was predicted, in percent."""
        return float(100 * (self.labels == self.predicted).mean())

    def confusion_matrix(self) -> np.ndarray:
        """Counts (C, C); row: true class, column: predicted class."""
        size = len(self.classes)
        cells = np.bincount(self.labels * size + self.predicted, minlength=size**2)
        return cells.reshape(size, size)

    def hardest_errors(self, count: int) -> np.ndarray:
        """The errors that the model is surest of, the worst first.

        Args:
            count: Most that are given.

        Returns:
            Positions in the arrays, integer (≤ count,).
        """
        wrong = np.flatnonzero(self.labels != self.predicted)
        order = np.argsort(-self.confidence[wrong], kind='stable')
        return wrong[order[:count]]

    def caption(self, i: int) -> str:
        """What is said of one image: its file, true and predicted class, scores."""
        name = Path(self.paths[i]).name if self.paths[i] else f'image {self.indices[i]}'
        if len(name) > LONGEST_NAME:  # its end tells most
            name = f'…{name[1 - LONGEST_NAME :]}'
        true, predicted = self.classes[self.labels[i]], self.classes[self.predicted[i]]
        return (
            f'{name}\nis {true} ({self.true_confidence[i]:.2f})\n'
            f'taken for {predicted} ({self.confidence[i]:.2f})'
        )

    def class_figures(self) -> list[ClassFigures]:
        """Support, precision, recall and F1 of each class."""
        matrix = self.confusion_matrix()
        rows = []
        for i, name in enumerate(self.classes):
            support, taken, right = matrix[i].sum(), matrix[:, i].sum(), matrix[i, i]
            rows.append(
                ClassFigures(
                    name,
                    int(support),
                    _percent(right, taken),
                    _percent(right, support),
                    _percent(2 * right, support + taken),
                )
            )
        return rows

    def save(self, path: Path) -> None:
        """Writes a file of arrays, which :meth:`load` reads without pickling."""
        arrays = {name: getattr(self, name) for name in (*_ARRAYS, 'indices')}
        texts = {name: np.array(getattr(self, name)) for name in ('classes', 'paths')}
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('wb') as file:
            np.savez_compressed(file, **arrays, **texts)

    @classmethod
    def load(cls, path: Path) -> 'Predictions':
        """Reads what :meth:`save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is another kind of file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in (*_ARRAYS, 'indices')}
                texts = {n: tuple(file[n].tolist()) for n in ('classes', 'paths')}
        except (BadZipFile, KeyError, ValueError, EOFError, TypeError):
            # numpy's own words would advise to unpickle it
            raise ValueError(f'{path} holds no predictions of mmqcs') from None
        return cls(**arrays, **texts)


def _percent(part: int, whole: int) -> float | None:
    return float(100 * part / whole) if whole else None


def prediction_rows(samples: Sequence[DataSample]) -> list[PredictionRow]:
    """What is kept of the predictions of a batch.

    Args:
        samples: What a classifier predicts.

    Returns:
        A row an image; none if the samples have no scores, or not one label each.
    """
    if not samples or not all(map(_is_classified, samples)):
        return []
    scores = torch.stack([sample.pred_score for sample in samples]).float()
    labels = torch.cat([sample.gt_label for sample in samples]).to(scores.device)
    confidence, predicted = scores.max(dim=1)
    true = scores.gather(1, labels.view(-1, 1)).squeeze(1)
    return [
        PredictionRow(
            *numbers, sample.get('img_path', ''), sample.get('sample_idx', -1)
        )
        for *numbers, sample in zip(
            labels.tolist(),
            predicted.tolist(),
            confidence.tolist(),
            true.tolist(),
            samples,
            strict=True,
        )
    ]


def _is_classified(sample: DataSample) -> bool:
    return 'pred_score' in sample and sample.get('gt_label', torch.ones(0)).numel() == 1
