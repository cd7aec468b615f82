"""Writers of the datasets with folds instead of an official split."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import CLASSES, SynthFERSettings, render

from .base import FolderWriter, ImageFile, write_file

_FOLDS = 10
_NEUTRAL = CLASSES.index('Neutral')


class FoldedWriter(FolderWriter):
    """Base of the writers whose datasets divide groups of images into ten folds.

    A group is a subject, or an image with several faces. Every tenth group belongs to
    the same fold. The test split of SynthFER becomes the first fold: groups 0, 10, 20
    and so on. All other groups hold the training split. This takes nine training groups
    per test group, so the larger split gets several faces per group, each of another
    person. No person is in two groups, so the other folds divide the faces by person as
    well.
    """

    max_tested: int | None = None  # test groups
    digits = 3  # minimum in the number of a group

    def __init__(
        self, labels: Mapping[str, np.ndarray], settings: SynthFERSettings
    ) -> None:
        super().__init__(labels, settings)
        train, test = len(labels['train']), len(labels['test'])
        others = _FOLDS - 1
        most = self.max_tested or train + test
        tested = min(test, train // others + 1, most)
        # without a test split, each face is a group
        trained = min(train, others * (tested or most))
        self.num_groups = {'train': trained, 'test': tested}
        # of equal width, because the readers sort groups by name
        highest = _FOLDS * max(tested, -(-trained // others)) - 1
        self.digits = max(self.digits, len(str(highest)))

    def fields(self, split: str, index: int) -> dict[str, Any]:
        """Add the group, its letters, and the number of the face in it from 1."""
        group, turn = self.place(split, index)
        return super().fields(split, index) | dict(
            group=f'{group:0{self.digits}d}',
            letters=''.join(chr(ord('A') + i) for i in divmod(group, 26)),
            take=turn + 1,
        )

    def place(self, split: str, index: int) -> tuple[int, int]:
        """Return the number of the group of a face, and its index in the group."""
        turn, number = divmod(index, self.num_groups[split])
        if split == 'test':
            return _FOLDS * number, turn
        block, place = divmod(number, _FOLDS - 1)
        return _FOLDS * block + 1 + place, turn


class CKPlusSequences(FoldedWriter):
    """``cohn-kanade-images/S001/001/S001_001_00000002.png`` and ``Emotion``; grey.

    Each face is a sequence of two frames: the same person with a neutral face, then the
    peak, which the label belongs to. Neutral faces are sequences of two equal frames
    with label 0, which CK+ defines although none of its sequences has it. Therefore all
    faces are read as peaks, and the first frames serve as further neutral faces, as in
    CK+.
    """

    order = expressions.CK_PLUS
    tops = ('cohn-kanade-images', 'Emotion')
    file = 'cohn-kanade-images/S{group}/{take:03d}/S{group}_{take:03d}_00000002.png'
    grey = True

    def images(self) -> Iterator[ImageFile]:
        """Yield both frames of each face."""
        for peak in super().images():
            first = peak.path.with_name(peak.path.name.replace('2.png', '1.png'))
            yield ImageFile(first, peak.split, peak.index, _NEUTRAL)
            yield peak

    def write_labels(self, root: Path) -> None:
        """Write one number per file, in the format of CK+."""
        for split in self.labels:
            for i, number in self.numbers(split):
                peak = self.path(split, i)
                folder = root.joinpath(self.tops[1], *peak.parts[1:-1])
                path = folder / f'{peak.stem}_emotion.txt'
                write_file(path, [f'   {number:.7e}\n'.encode()])


class ExpWImages(FoldedWriter):
    """``image/origin/face_000.jpg``, and ``label/label.lst`` with the face boxes.

    The faces of an image are placed next to each other in a larger image.
    """

    order = expressions.EXP_W
    tops = ('image', 'label')
    file = 'image/origin/face_{group}.jpg'

    def images(self) -> Iterator[ImageFile]:
        """Yield the image files, each with the index of its first face."""
        for image in super().images():
            if image.index < self.num_groups[image.split]:
                yield image

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Render the other faces of the image as well."""
        step = self.num_groups[image.split]
        count = len(self.labels[image.split])
        others = range(image.index + step, count, step)
        faces = [face, *(render(self.settings, image.split, i) for i in others)]
        return self.surround(np.concatenate(faces, axis=1))

    def write_labels(self, root: Path) -> None:
        """Write the list of faces with boxes and labels."""
        size, border = self.settings.image_size, self.border
        lines = []
        for split in self.labels:
            for i, number in self.numbers(split):
                turn = self.place(split, i)[1]
                left = border + turn * size
                box = f'{border} {left} {left + size} {border + size}'
                lines.append(f'{self.listed(split, i)} {turn} {box} 50.0 {number}\n')
        write_file(root / 'label/label.lst', map(str.encode, lines))


class JAFFEFiles(FoldedWriter):
    """``jaffe/AA.AN1.1.tiff``: subject, expression and take, image number; grey."""

    order = expressions.JAFFE
    codes = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')
    tops = ('jaffe',)
    file = 'jaffe/{letters}.{code}{take}.{count}.tiff'
    grey = True
    max_tested = 67  # two letters name 676 subjects


class KDEFFolders(FoldedWriter):
    """``KDEF/AF01/AF01ANS.JPG``: session, sex, subject, expression, frontal view.

    A subject has at most two images per expression, one per session. All subjects are
    named as women.

    Raises:
        ValueError: There are too many test faces for the number of training faces.
    """

    order = expressions.KDEF
    codes = ('AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU')
    tops = ('KDEF',)
    file = 'KDEF/{session}F{group}/{session}F{group}{code}S.JPG'
    digits = 2

    def __init__(
        self, labels: Mapping[str, np.ndarray], settings: SynthFERSettings
    ) -> None:
        super().__init__(labels, settings)
        self._places: dict[str, np.ndarray] = {}
        self._sessions: dict[str, np.ndarray] = {}
        for split, found in labels.items():
            # consecutive faces of one class go to different subjects
            place = np.argsort(np.argsort(found, kind='stable'))
            first = np.searchsorted(np.sort(found), found)  # of the same class
            self._places[split] = place
            self._sessions[split] = (place - first) // (self.num_groups[split] or 1)
            if len(found) and self._sessions[split].max() > 1:
                raise ValueError(
                    f'KDEF has two images per subject and expression, so '
                    f'{len(labels["train"])} training and {len(labels["test"])} test '
                    f'faces do not fit: use more training or fewer test faces'
                )

    def place(self, split: str, index: int) -> tuple[int, int]:
        """See the base class."""
        return super().place(split, int(self._places[split][index]))

    def fields(self, split: str, index: int) -> dict[str, Any]:
        """Add the session."""
        session = 'AB'[self._sessions[split][index]]
        return super().fields(split, index) | {'session': session}
