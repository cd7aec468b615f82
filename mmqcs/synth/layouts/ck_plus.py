"""The layout of CK+."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import CLASSES

from .base import Picture
from .files import write_file
from .folds import FoldedLayout

__all__ = ['CKPlusSequences']

_NEUTRAL = CLASSES.index('Neutral')


class CKPlusSequences(FoldedLayout):
    """``cohn-kanade-images/S001/001/S001_001_00000002.png`` and ``Emotion``; grey.

    Each face is a sequence of two frames: the same person with a neutral face,
    then the face itself, which is the peak that the label stands for. A neutral
    face is one of them too: its frames are alike and its label is 0, a number
    that CK+ has though no sequence of the real data set has it. So all faces
    are read as peaks, and the first frames serve as further neutral faces, as
    they do in CK+.
    """

    dataset = 'CK+'
    order = expressions.CK_PLUS
    tops = ('cohn-kanade-images', 'Emotion')

    def _sequence(self, split: str, index: int) -> tuple[str, str]:
        """Subject and sequence of a face."""
        group, turn = self.place(split, index)
        return f'S{group:0{self.digits}d}', f'{turn + 1:03d}'

    def path(self, split: str, index: int) -> Path:
        """See the base class; this is the peak."""
        return self._frame(split, index, 2)

    def _frame(self, split: str, index: int, frame: int) -> Path:
        names = self._sequence(split, index)
        folder = Path('cohn-kanade-images', *names)
        return folder / f'{"_".join(names)}_{frame:08d}.png'

    def pictures(self) -> Iterator[Picture]:
        """See the base class; two of each face."""
        for peak in super().pictures():
            first = self._frame(peak.split, peak.index, 1)
            yield Picture(first, peak.split, peak.index, _NEUTRAL)
            yield peak

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class. Most images of CK+ are grey."""
        return cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)

    def write_labels(self, root: Path) -> None:
        """See the base class. A file has one number, written as in CK+."""
        for split in self.labels:
            for i, number in self.numbers(split):
                stem = self.path(split, i).stem
                folder = root.joinpath('Emotion', *self._sequence(split, i))
                text = f'   {number:.7e}\n'
                write_file(folder / f'{stem}_emotion.txt', [text.encode()])
