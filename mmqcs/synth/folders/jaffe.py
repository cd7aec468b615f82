"""Writer of JAFFE."""

from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import ImageFile
from .folds import FoldedWriter

__all__ = ['JAFFEFiles']


class JAFFEFiles(FoldedWriter):
    """``jaffe/AA.AN1.1.tiff``: subject, expression and take, image number; grey."""

    dataset = 'JAFFE'
    order = expressions.JAFFE
    codes = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')
    tops = ('jaffe',)
    max_tested = 67  # two letters name 676 subjects

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        group, turn = self.place(split, index)
        letters = ''.join(chr(ord('A') + i) for i in divmod(group, 26))
        code = self.codes[self.number(split, index)]
        return Path('jaffe') / f'{letters}.{code}{turn + 1}.{index + 1}.tiff'

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Return the face in grey."""
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
