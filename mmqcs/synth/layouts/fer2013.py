"""The layouts of FER2013."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import Layout, Picture
from .files import write_file

__all__ = ['USAGE', 'FER2013Folders', 'FER2013Images', 'FER2013Table']

USAGE = {'train': 'Training', 'test': 'PrivateTest'}
"""FER2013's names of the splits."""

_SIZE = (48, 48)


class FER2013Images(Layout):
    """Layouts of FER2013 and of FERPlus, which are the same images: 48 × 48, grey."""

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class."""
        grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
        return cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA)


class FER2013Folders(FER2013Images):
    """Class folders, the split in each file's name."""

    dataset = 'FER2013'
    order = expressions.FER2013
    tops = ('train', 'test')
    folders = tuple(map(str.lower, order))

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        folder = self.folders[self.number(split, index)]
        return Path(split) / folder / f'{USAGE[split]}_{index + 1}.jpg'

    def write_labels(self, root: Path) -> None:
        """Nothing: the folders are the labels."""


class FER2013Table(FER2013Images):
    """``fer2013.csv``, which holds the pixels as well.

    Each picture is first a file of its own, the text of its pixels, so that many
    processes can draw and a run that was cut off goes on. When all are there the
    table is put together from them and they are removed.
    """

    dataset = 'FER2013'
    order = FER2013Folders.order
    tops = ('fer2013.csv', 'fer2013-pixels')

    def path(self, split: str, index: int) -> Path:
        """See the base class. These files last until the table is there."""
        return Path('fer2013-pixels') / f'{USAGE[split]}_{index + 1}.txt'

    def encode(self, face: np.ndarray, picture: Picture) -> bytes:
        """See the base class: grey values, row after row, a space between."""
        return ' '.join(map(str, self.compose(face, picture).ravel())).encode()

    def write_labels(self, root: Path) -> None:
        """Puts the table together and removes the files it is made of."""
        write_file(root / 'fer2013.csv', self._rows(root))
        if (root / 'fer2013-pixels').is_dir():  # not if there are no faces at all
            shutil.rmtree(root / 'fer2013-pixels')

    def _rows(self, root: Path) -> Iterator[bytes]:
        yield b'emotion,pixels,Usage\n'
        for split in self.labels:
            for i, number in self.numbers(split):
                pixels = (root / self.path(split, i)).read_bytes()
                yield b'%d,%s,%s\n' % (number, pixels, USAGE[split].encode())
