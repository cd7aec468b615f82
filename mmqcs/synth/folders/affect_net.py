"""Writers of AffectNet."""

import io
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions

from .base import FolderWriter, ImageFile, write_csv, write_file

__all__ = ['AffectNet2021', 'AffectNetLists', 'AffectNetTables']

_SPLITS = {'train': 'training', 'test': 'validation'}


class AffectNetTables(FolderWriter):
    """The first release: whole images, and tables with face boxes."""

    dataset = 'AffectNet'
    order = expressions.AFFECT_NET
    tops = ('Manually_Annotated_Images', 'Manually_Annotated_file_lists')

    @property
    def _border(self) -> int:
        return round(0.25 * self.settings.image_size)

    def listed(self, split: str, index: int) -> str:
        """Return the name with its folder."""
        return f'{index % 10}/{split}{index:08x}.jpg'

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path(self.tops[0]) / self.listed(split, index)

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Place the face in a larger image."""
        return cv2.copyMakeBorder(face, *[self._border] * 4, cv2.BORDER_REFLECT)

    def write_labels(self, root: Path) -> None:
        """Write one table per split."""
        header = [
            'subDirectory_filePath',
            *('face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks'),
            *('expression', 'valence', 'arousal'),
        ]
        size = self.settings.image_size
        box = (self._border, self._border, size, size)
        for split, name in _SPLITS.items():
            rows = [
                [self.listed(split, i), *box, '', number, -2, -2]
                for i, number in self.numbers(split)
            ]
            write_csv(root / self.tops[1] / f'{name}.csv', [header, *rows])


class AffectNetLists(AffectNetTables):
    """Cropped images, and lists whose names contain the number of classes."""

    lists = {
        'train': 'affectnet_training-cls{classes}-v7.txt',
        'test': 'affectnet_validation-cls{classes}.txt',
    }
    tops = ('Manually_trainval_croped', *lists.values())

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Return the face."""
        return face

    def write_labels(self, root: Path) -> None:
        """Write one list per split."""
        for split, name in self.lists.items():
            path = root / name.format(classes=self.settings.num_classes)
            self.write_list(path, split)


class AffectNet2021(FolderWriter):
    """The release of 2021: cropped images with one annotation file each."""

    dataset = 'AffectNet'
    order = expressions.AFFECT_NET
    tops = ('train_set', 'val_set')
    folders = dict(zip(('train', 'test'), tops, strict=True))

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path(self.folders[split]) / 'images' / f'{index}.jpg'

    def write_labels(self, root: Path) -> None:
        """Write the labels as text in NumPy files, as in the release."""
        for split, folder in self.folders.items():
            for i, number in self.numbers(split):
                content = io.BytesIO()
                np.save(content, np.array(str(number)))
                path = root / folder / 'annotations' / f'{i}_exp.npy'
                write_file(path, [content.getvalue()])
