"""The layout of JAFFE."""

from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import Picture
from .folds import FoldedLayout

__all__ = ['JAFFEFiles']


class JAFFEFiles(FoldedLayout):
    """``jaffe/AA.AN1.1.tiff``: subject, expression and its number, image; grey."""

    dataset = 'JAFFE'
    order = expressions.JAFFE
    codes = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')
    tops = ('jaffe',)
    max_tested = 67  # two letters name 676 subjects

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        group, turn = self.place(split, index)
        letters = ''.join(chr(ord('A') + i) for i in divmod(group, 26))
        code = self.codes[self.number(split, index)]
        return Path('jaffe') / f'{letters}.{code}{turn + 1}.{index + 1}.tiff'

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class. The images are grey."""
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)

    def write_labels(self, root: Path) -> None:
        """Nothing: the names are the labels."""
