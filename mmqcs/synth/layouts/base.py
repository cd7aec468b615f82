"""What the layouts have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmqcs.expressions import class_map
from mmqcs.synth.synth_fer import CLASSES, SynthFERSettings

__all__ = ['Labels', 'Layout', 'Picture']

Labels = Mapping[str, np.ndarray]
"""SynthFER's labels of each split, 'train' and 'test'."""

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


class Picture(NamedTuple):
    """A picture that belongs on disk.

    Attributes:
        path: Its file, relative to the root.
        split: Split of the face.
        index: Number of the face in its split.
        label: Expression to draw it with, or None for its own.
    """

    path: Path
    split: str
    index: int
    label: int | None = None


class Layout(ABC):
    """One way in which a data set lies on disk.

    Attributes:
        dataset: Name of the data set, for messages.
        order: Class names of the dataset, in the order of its labels.
        first: The data set's number of the first class.
        tops: What it writes directly below the root; ``{classes}`` in a name
            stands for their number.

    Args:
        labels: SynthFER's labels of both splits.
        settings: SynthFER's settings.

    Raises:
        ValueError: The data set lacks a class of SynthFER.
    """

    dataset: str
    order: tuple[str, ...]
    tops: tuple[str, ...]
    first = 0

    def __init__(self, labels: Labels, settings: SynthFERSettings) -> None:
        self._numbers = class_map(CLASSES, self.order).tolist()
        for name, number in zip(settings.classes, self._numbers, strict=False):
            if number < 0:
                raise ValueError(f'{self.dataset} has no class for {name}')
        self.labels = labels
        self.settings = settings

    @classmethod
    def roots(cls, num_classes: int) -> tuple[str, ...]:
        """Names of all that it writes directly below the root.

        Args:
            num_classes: SynthFER's number of classes.
        """
        return tuple(name.format(classes=num_classes) for name in cls.tops)

    def number(self, split: str, index: int) -> int:
        """The data set's number of the class of a face."""
        return self._numbers[self.labels[split][index]] + self.first

    def numbers(self, split: str) -> Iterator[tuple[int, int]]:
        """Index and :meth:`number` of each face of a split."""
        return ((i, self.number(split, i)) for i in range(len(self.labels[split])))

    @abstractmethod
    def path(self, split: str, index: int) -> Path:
        """File of a face, relative to the root."""

    def pictures(self) -> Iterator[Picture]:
        """All pictures that belong on disk."""
        for split, found in self.labels.items():
            for index in range(len(found)):
                yield Picture(self.path(split, index), split, index)

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """Makes the data set's kind of image out of a face; by default the face.

        Args:
            face: Drawn face, BGR uint8 (S, S, 3).
            picture: What is drawn.

        Returns:
            uint8, (H, W, 3) in BGR or (H, W).
        """
        return face

    def encode(self, face: np.ndarray, picture: Picture) -> bytes:
        """Makes the content of a picture's file; arguments as in :meth:`compose`."""
        suffix = picture.path.suffix
        options = _JPEG if suffix == '.jpg' else ()
        return cv2.imencode(suffix, self.compose(face, picture), options)[1].tobytes()

    @abstractmethod
    def write_labels(self, root: Path) -> None:
        """Writes the files that hold the labels; all pictures are there.

        Args:
            root: Root of the data set.
        """
