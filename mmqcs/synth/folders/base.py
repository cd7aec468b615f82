"""Base class of the writers, and the files that they write."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmqcs.atomic import atomic_file
from mmqcs.expressions import class_map
from mmqcs.synth.synth_fer import CLASSES, SynthFERSettings

__all__ = ['FolderWriter', 'ImageFile', 'Labels', 'write_csv', 'write_file']

Labels = Mapping[str, np.ndarray]
"""SynthFER labels of each split, 'train' and 'test'."""

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file atomically and create its parent folders.

    Args:
        path: File to write.
        pieces: Content, for example a generator, so that it need not fit in memory.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as draft, draft.open('wb') as file:
        file.writelines(pieces)


def write_csv(path: Path, rows: Iterable[Sequence]) -> None:
    """Write a table atomically; the header, if there is one, is the first row."""
    text = io.StringIO(newline='')
    csv.writer(text).writerows(rows)
    write_file(path, [text.getvalue().encode()])


class ImageFile(NamedTuple):
    """An image file of a dataset.

    Attributes:
        path: File, relative to the root of the dataset.
        split: Split of the face.
        index: Index of the face in its split.
        label: Expression to render, or None for the expression of the face.
    """

    path: Path
    split: str
    index: int
    label: int | None = None


class FolderWriter(ABC):
    """Writes one layout of a dataset.

    Attributes:
        dataset: Name of the dataset, for messages.
        order: Class names in the label order of the dataset.
        first: Label of the first class.
        tops: Names of files and folders directly below the root; ``{classes}`` in a
            name stands for the number of classes.

    Args:
        labels: SynthFER labels of each split.
        settings: SynthFER settings.

    Raises:
        ValueError: The dataset lacks a class of SynthFER.
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
        """Return the names of all files and folders directly below the root."""
        return tuple(name.format(classes=num_classes) for name in cls.tops)

    def number(self, split: str, index: int) -> int:
        """Return the label of a face in the numbering of the dataset."""
        return self._numbers[self.labels[split][index]] + self.first

    def numbers(self, split: str) -> Iterator[tuple[int, int]]:
        """Yield the index and the :meth:`number` of each face of a split."""
        return ((i, self.number(split, i)) for i in range(len(self.labels[split])))

    @abstractmethod
    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""

    def images(self) -> Iterator[ImageFile]:
        """Yield all image files."""
        for split, found in self.labels.items():
            for index in range(len(found)):
                yield ImageFile(self.path(split, index), split, index)

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Turn a face into an image of the dataset; returns the face by default.

        Args:
            face: Rendered face, BGR, uint8 (S, S, 3).
            image: File of the image.

        Returns:
            uint8, BGR (H, W, 3) or grey (H, W).
        """
        return face

    def encode(self, face: np.ndarray, image: ImageFile) -> bytes:
        """Return the content of an image file; arguments as in :meth:`compose`."""
        suffix = image.path.suffix
        options = _JPEG if suffix == '.jpg' else ()
        return cv2.imencode(suffix, self.compose(face, image), options)[1].tobytes()

    def write_labels(self, root: Path) -> None:  # noqa: B027
        """Write the label files, after all images; does nothing by default.

        Args:
            root: Root of the dataset.
        """

    def write_list(self, path: Path, split: str) -> None:
        """Write a list with the file name and the label of each face of a split."""
        lines = (f'{self.listed(split, i)} {n}\n' for i, n in self.numbers(split))
        write_file(path, map(str.encode, lines))

    def listed(self, split: str, index: int) -> str:
        """Return the name of a face in lists and tables."""
        return self.path(split, index).name
