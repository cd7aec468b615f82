"""Writers of FER2013."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import FolderWriter, ImageFile, write_file

__all__ = ['USAGE', 'FER2013Folders', 'FER2013Images', 'FER2013Table']

USAGE = {'train': 'Training', 'test': 'PrivateTest'}
"""Names of the splits in FER2013."""


class FER2013Images(FolderWriter):
    """Base of the writers of FER2013 and FERPlus: grey images of 48 × 48 pixels."""

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Return the face in grey and reduced."""
        grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
        return cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)


class FER2013Folders(FER2013Images):
    """Class folders, with the split in the name of each file."""

    dataset = 'FER2013'
    order = expressions.FER2013
    tops = ('train', 'test')
    folders = tuple(map(str.lower, order))

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        folder = self.folders[self.number(split, index)]
        return Path(split) / folder / f'{USAGE[split]}_{index + 1}.jpg'


class FER2013Table(FER2013Images):
    """``fer2013.csv``, which contains the pixels.

    Each image is first written as a text file of its own, so that many processes can
    render and an interrupted run can be resumed. The table is then assembled from these
    files, which are removed.
    """

    dataset = 'FER2013'
    order = FER2013Folders.order
    tops = ('fer2013.csv', 'fer2013-pixels')

    def path(self, split: str, index: int) -> Path:
        """Return the temporary file of a face, relative to the root."""
        return Path('fer2013-pixels') / f'{USAGE[split]}_{index + 1}.txt'

    def encode(self, face: np.ndarray, image: ImageFile) -> bytes:
        """Return the grey values, row by row, separated by spaces."""
        return ' '.join(map(str, self.compose(face, image).ravel())).encode()

    def write_labels(self, root: Path) -> None:
        """Assemble the table and remove the temporary files."""
        write_file(root / 'fer2013.csv', self._rows(root))
        shutil.rmtree(root / 'fer2013-pixels', ignore_errors=True)

    def _rows(self, root: Path) -> Iterator[bytes]:
        yield b'emotion,pixels,Usage\n'
        for split in self.labels:
            for i, number in self.numbers(split):
                pixels = (root / self.path(split, i)).read_bytes()
                yield b'%d,%s,%s\n' % (number, pixels, USAGE[split].encode())
