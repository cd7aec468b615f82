"""Writer of CK+."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import CLASSES

from .base import ImageFile, write_file
from .folds import FoldedWriter

__all__ = ['CKPlusSequences']

_NEUTRAL = CLASSES.index('Neutral')


class CKPlusSequences(FoldedWriter):
    """``cohn-kanade-images/S001/001/S001_001_00000002.png`` and ``Emotion``; grey.

    Each face is a sequence of two frames: the same person with a neutral face, then the
    peak, which the label belongs to. Neutral faces are sequences of two equal frames
    with label 0, which CK+ defines although none of its sequences has it. Therefore all
    faces are read as peaks, and the first frames serve as further neutral faces, as in
    CK+.
    """

    dataset = 'CK+'
    order = expressions.CK_PLUS
    tops = ('cohn-kanade-images', 'Emotion')

    def _sequence(self, split: str, index: int) -> tuple[str, str]:
        """Return the subject and the sequence of a face."""
        group, turn = self.place(split, index)
        return f'S{group:0{self.digits}d}', f'{turn + 1:03d}'

    def path(self, split: str, index: int) -> Path:
        """Return the peak of a face, relative to the root."""
        return self._frame(split, index, 2)

    def _frame(self, split: str, index: int, frame: int) -> Path:
        names = self._sequence(split, index)
        folder = Path('cohn-kanade-images', *names)
        return folder / f'{"_".join(names)}_{frame:08d}.png'

    def images(self) -> Iterator[ImageFile]:
        """Yield both frames of each face."""
        for peak in super().images():
            first = self._frame(peak.split, peak.index, 1)
            yield ImageFile(first, peak.split, peak.index, _NEUTRAL)
            yield peak

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Return the face in grey, as most images of CK+ are."""
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)

    def write_labels(self, root: Path) -> None:
        """Write one number per file, in the format of CK+."""
        for split in self.labels:
            for i, number in self.numbers(split):
                folder = root.joinpath('Emotion', *self._sequence(split, i))
                path = folder / f'{self.path(split, i).stem}_emotion.txt'
                write_file(path, [f'   {number:.7e}\n'.encode()])
