"""Base class of the writers, and the files that they write."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmqcs.atomic import atomic_file
from mmqcs.expressions import class_map
from mmqcs.synth.synth_fer import CLASSES, SynthFERSettings


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file atomically, piece by piece, and create its parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as draft, draft.open('wb') as file:
        file.writelines(pieces)


def write_csv(path: Path, rows: Iterable[Sequence]) -> None:
    """Write a table atomically; the header, if there is one, is the first row."""
    text = io.StringIO(newline='')
    csv.writer(text).writerows(rows)
    write_file(path, [text.getvalue().encode()])


@dataclass(frozen=True)
class ImageFile:
    """An image file of a dataset, and the face that it shows."""

    path: Path  # relative to the root of the dataset
    split: str
    index: int
    label: int | None = None  # expression to render, if not that of the face


class FolderWriter:
    """Writes one layout of a dataset.

    Args:
        labels: SynthFER labels of the splits, 'train' and 'test'.
        settings: SynthFER settings.

    Raises:
        ValueError: The dataset lacks a class of SynthFER.
    """

    order: tuple[str, ...]  # class names in the label order of the dataset
    first = 0  # label of the first class
    codes: tuple[str, ...] = ()  # of the classes in file names
    tops: tuple[str, ...]  # names of all files and folders directly below the root
    names: Mapping[str, str] = {'train': 'train', 'test': 'test'}  # of the splits
    file: str  # path of a face below the root, a format of the result of fields()
    listed_parts = 1  # number of parts of the path of a face in lists and tables
    grey = False

    def __init__(
        self, labels: Mapping[str, np.ndarray], settings: SynthFERSettings
    ) -> None:
        self._numbers = class_map(CLASSES, self.order).tolist()
        for name, number in zip(settings.classes, self._numbers, strict=False):
            if number < 0:
                raise ValueError(f'the dataset has no class for {name}')
        self.labels = labels
        self.settings = settings

    def number(self, split: str, index: int) -> int:
        """Return the label of a face in the numbering of the dataset."""
        return self._numbers[self.labels[split][index]] + self.first

    def numbers(self, split: str) -> Iterator[tuple[int, int]]:
        """Yield the index and the :meth:`number` of each face of a split."""
        return ((i, self.number(split, i)) for i in range(len(self.labels[split])))

    def fields(self, split: str, index: int) -> dict[str, Any]:
        """Return what the path of a face depends on, by name."""
        label = self.number(split, index) - self.first
        return dict(
            split=split,
            title=split.title(),
            name=self.names[split],
            index=index,
            count=index + 1,
            expression=self.order[label],
            code=self.codes[label] if self.codes else None,
        )

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path(self.file.format(**self.fields(split, index)))

    def listed(self, split: str, index: int) -> str:
        """Return the name of a face in lists and tables."""
        return '/'.join(self.path(split, index).parts[-self.listed_parts :])

    def images(self) -> Iterator[ImageFile]:
        """Yield all image files."""
        for split, found in self.labels.items():
            for index in range(len(found)):
                yield ImageFile(self.path(split, index), split, index)

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Turn a face, BGR, into an image, BGR (H, W, 3) or grey (H, W)."""
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY) if self.grey else face

    @property
    def border(self) -> int:
        """Pixels around the faces of datasets with face boxes."""
        return round(0.25 * self.settings.image_size)

    def surround(self, image: np.ndarray) -> np.ndarray:
        """Add the border to an image."""
        return cv2.copyMakeBorder(image, *(self.border,) * 4, cv2.BORDER_REFLECT)

    def encode(self, face: np.ndarray, image: ImageFile) -> bytes:
        """Return the content of an image file; arguments as in :meth:`compose`."""
        suffix = image.path.suffix
        options = (cv2.IMWRITE_JPEG_QUALITY, 95) if suffix == '.jpg' else ()
        return cv2.imencode(suffix, self.compose(face, image), options)[1].tobytes()

    def write_labels(self, root: Path) -> None:
        """Write the label files below the root, after all images; by default none."""
