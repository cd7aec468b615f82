"""The layout of CK+."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs.synth.synth_fer import CLASSES, SynthFERSettings

from .base import Labels, Layout, Picture
from .files import write_file

__all__ = ['CKPlusSequences']

_FOLDS = 10
_NEUTRAL = CLASSES.index('Neutral')


class CKPlusSequences(Layout):
    """``cohn-kanade-images/S001/001/S001_001_00000002.png`` and ``Emotion``; grey.

    Each face is a sequence of two frames: the same person with a neutral face,
    then the face itself, which is the peak that the label stands for. A neutral
    face is one of them too: its frames are alike and its label is 0, a number
    that CK+ has though no sequence of the real data set has it. So all faces
    are read as peaks, and the first frames serve as further neutral faces, as
    they do in CK+.

    CK+ has no split; usually the subjects are divided into ten folds, every tenth
    subject in one. SynthFER's split is laid out as the first of these: the
    subjects S000, S010, S020 and so on have the faces to test on, all others
    those to train on. For that there must be nine subjects to train on for each
    to test on, so the larger of the two parts has several sequences a subject,
    which then are of several people. No person is in two subjects, so the other
    folds divide all faces by person as well.
    """

    dataset = 'CK+'
    order = (
        'Neutral',
        'Anger',
        'Contempt',
        'Disgust',
        'Fear',
        'Happiness',
        'Sadness',
        'Surprise',
    )
    tops = ('cohn-kanade-images', 'Emotion')

    def __init__(self, labels: Labels, settings: SynthFERSettings) -> None:
        super().__init__(labels, settings)
        train, test = len(labels['train']), len(labels['test'])
        others = _FOLDS - 1
        tested = min(test, train // others + 1)
        # with nothing to test on, each face is a subject
        trained = min(train, others * tested) if tested else train
        self._subjects = {'train': trained, 'test': tested}
        # of one width, because the subjects are sorted by name
        highest = _FOLDS * max(tested, -(-trained // others)) - 1
        self._digits = max(3, len(str(highest)))

    def _sequence(self, split: str, index: int) -> tuple[str, str]:
        """Subject and sequence of a face."""
        turn, number = divmod(index, self._subjects[split])
        if split == 'test':
            position = _FOLDS * number
        else:
            block, place = divmod(number, _FOLDS - 1)
            position = _FOLDS * block + 1 + place
        return f'S{position:0{self._digits}d}', f'{turn + 1:03d}'

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
