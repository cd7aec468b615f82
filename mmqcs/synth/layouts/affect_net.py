"""The layouts of AffectNet."""

import io
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import Layout, Picture
from .files import write_csv, write_file

__all__ = ['AffectNet2021', 'AffectNetLists', 'AffectNetTables']

_SPLITS = {'train': 'training', 'test': 'validation'}


def _name(split: str, index: int) -> str:
    return f'{index % 10}/{split}{index:08x}.jpg'


class AffectNetTables(Layout):
    """The first release: whole images, and tables with the boxes of the faces."""

    dataset = 'AffectNet'
    order = expressions.AFFECT_NET
    tops = ('Manually_Annotated_Images', 'Manually_Annotated_file_lists')

    @property
    def _border(self) -> int:
        return round(0.25 * self.settings.image_size)

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path('Manually_Annotated_Images') / _name(split, index)

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class. The face stands in a larger picture."""
        return cv2.copyMakeBorder(face, *[self._border] * 4, cv2.BORDER_REFLECT)

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        header = [
            'subDirectory_filePath',
            *('face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks'),
            *('expression', 'valence', 'arousal'),
        ]
        size = self.settings.image_size
        box = (self._border, self._border, size, size)
        for split, list_name in _SPLITS.items():
            rows = [
                [_name(split, i), *box, '', number, -2, -2]
                for i, number in self.numbers(split)
            ]
            path = root / 'Manually_Annotated_file_lists' / f'{list_name}.csv'
            write_csv(path, [header, *rows])


class AffectNetLists(Layout):
    """Cropped images and lists, whose names say the number of classes."""

    dataset = 'AffectNet'
    order = AffectNetTables.order
    lists = {
        'train': 'affectnet_training-cls{classes}-v7.txt',
        'test': 'affectnet_validation-cls{classes}.txt',
    }
    tops = ('Manually_trainval_croped', *lists.values())

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path('Manually_trainval_croped') / _name(split, index)

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        for split, file in self.lists.items():
            lines = (f'{_name(split, i)} {n}\n' for i, n in self.numbers(split))
            path = root / file.format(classes=self.settings.num_classes)
            write_file(path, map(str.encode, lines))


class AffectNet2021(Layout):
    """The release of 2021: cropped images, an annotation file for each."""

    dataset = 'AffectNet'
    order = AffectNetTables.order
    tops = ('train_set', 'val_set')
    folders = dict(zip(('train', 'test'), tops, strict=True))

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path(self.folders[split]) / 'images' / f'{index}.jpg'

    def write_labels(self, root: Path) -> None:
        """See the base class. Classes are stored as text, as in the release."""
        for split, folder in self.folders.items():
            for i, number in self.numbers(split):
                code = io.BytesIO()
                np.save(code, np.array(str(number)))
                path = root / folder / 'annotations' / f'{i}_exp.npy'
                write_file(path, [code.getvalue()])
