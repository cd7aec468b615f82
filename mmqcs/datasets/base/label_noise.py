"""Label noise as an option of datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmqcs.expressions import expression
from mmqcs.functional import flip_labels

Table = Mapping[str, Mapping[str, float]] | Sequence[Sequence[float]]

# Keeps the random numbers apart from those of the samplers, whose keys are 1 and 2.
_PURPOSE = 3


@dataclass(frozen=True)
class LabelNoise:
    """Flips a share of the labels of a training split, the same for the same seed.

    See :func:`.flip_labels` for the shares. The seed of a run has no influence.

    Args:
        rate: Share of the labels of each class that is flipped, from 0 to 1.
        table: Where the flipped labels of a class go, in proportion to weights:
            ``{'Fear': {'Surprise': 3, 'Anger': 1}}``, or a matrix (K, K) with a row for
            each class. Classes that are missing, or whose row is zero, keep their
            labels. None: uniformly to all other classes that occur.
        seed: Another seed flips others.

    Raises:
        ValueError: The rate is out of range.

    Examples:
        >>> noise = LabelNoise(0.5, {'fear': {'surprise': 1}})
        >>> images = [{'gt_label': label} for label in (0, 0, 1, 1)]
        >>> noise.apply(images, ['Surprise', 'Fear'])['flips']
        [[0, 0], [1, 0]]
        >>> sorted(image['gt_label'] for image in images)
        [0, 0, 0, 1]
    """

    rate: float
    table: Table | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f'label_noise.rate must be from 0 to 1, got {self.rate}')

    def apply(self, data_list: list[dict], classes: Sequence[str]) -> dict[str, Any]:
        """Flip the labels of a list of images in place.

        In soft labels, the scores of the old and the new class change places. The old
        label is not kept.

        Args:
            data_list: Images with a ``gt_label`` and perhaps a ``gt_score`` (K,).
            classes: Names of the K classes.

        Returns:
            A record of plain values: ``rate``, ``seed``, ``classes``, and ``flips``, a
            matrix (K, K) with the number of images by old (row) and new class.

        Raises:
            ValueError: The table does not fit the classes.
        """
        labels = np.array([info['gt_label'] for info in data_list], dtype=np.int64)
        transitions = self._transitions(labels, classes)
        rng = np.random.default_rng((_PURPOSE, self.seed))
        flipped = flip_labels(labels, transitions, self.rate, rng)
        for i in np.flatnonzero(flipped != labels).tolist():
            old, new = labels[i], flipped[i]
            data_list[i]['gt_label'] = int(new)
            if 'gt_score' in data_list[i]:
                score = data_list[i]['gt_score'].copy()
                score[[old, new]] = score[[new, old]]
                data_list[i]['gt_score'] = score
        flips = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(flips, (labels, flipped), labels != flipped)
        return {
            'rate': self.rate,
            'seed': self.seed,
            'classes': list(classes),
            'flips': flips.tolist(),
        }

    def _transitions(self, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        size = len(classes)
        if self.table is None:
            present = np.bincount(labels, minlength=size) > 0
            return present * (1.0 - np.eye(size))
        if isinstance(self.table, Mapping):
            matrix: np.ndarray = np.zeros((size, size))
            for old, row in self.table.items():
                for new, weight in row.items():
                    matrix[_number(old, classes), _number(new, classes)] = weight
        else:
            matrix = np.array(self.table, dtype=float)
            if matrix.shape != (size, size):
                raise ValueError(
                    f'label_noise.table must have a row and a column for each of the '
                    f'{size} classes {", ".join(classes)}, got the shape '
                    f'{matrix.shape}'
                )
        wrong = np.flatnonzero(~(np.isfinite(matrix) & (matrix >= 0)).all(axis=1))
        wrong = np.union1d(wrong, np.flatnonzero(matrix.diagonal()))
        if len(wrong):
            name = classes[wrong[0]]
            raise ValueError(
                f'weights in label_noise.table must be ≥ 0, and a class cannot become '
                f'itself, but the row of {name} is {matrix[wrong[0]].tolist()}'
            )
        return matrix


def _number(name: str, classes: Sequence[str]) -> int:
    """Return the number of a class by its name, in any common spelling."""
    for spelling in (str, expression):
        try:
            return [spelling(x) for x in classes].index(spelling(name))
        except ValueError:
            continue
    raise ValueError(
        f'label_noise.table names {name!r}, which is not one of the classes '
        f'{", ".join(classes)}'
    )
