"""Writers of the datasets with an official split."""

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.rng import generator
from mmqcs.synth.synth_fer import render

from .base import FolderWriter, ImageFile, write_csv, write_file


class RAFDBOfficial(FolderWriter):
    """``basic/EmoLabel/list_patition_label.txt`` and ``basic/Image/aligned``."""

    order = expressions.RAF_DB
    first = 1
    tops = ('basic',)

    def path(self, split: str, index: int) -> Path:
        """See the base class; the numbers have as many digits as in RAF-DB."""
        digits = 5 if split == 'train' else 4
        name = f'{split}_{index + 1:0{digits}d}_aligned.jpg'
        return Path('basic/Image/aligned', name)

    def write_labels(self, root: Path) -> None:
        """Write the list, which has no final newline, like the original."""
        lines = [
            f'{self.listed(split, i).replace("_aligned", "")} {number}'
            for split in self.labels
            for i, number in self.numbers(split)
        ]
        path = root / 'basic/EmoLabel/list_patition_label.txt'
        write_file(path, ['\n'.join(lines).encode()])


class FER2013Images(FolderWriter):
    """Base of the writers of FER2013 and FERPlus: grey images of 48 × 48 pixels."""

    names = {'train': 'Training', 'test': 'PrivateTest'}
    grey = True

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Return the face in grey and reduced."""
        grey = super().compose(face, image)
        return cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)


class FER2013Folders(FER2013Images):
    """Class folders, with the split in the name of each file."""

    order = tuple(map(str.lower, expressions.FER2013))
    tops = ('train', 'test')
    file = '{split}/{expression}/{name}_{count}.jpg'


class FER2013Table(FER2013Images):
    """``fer2013.csv``, which contains the pixels; rendered by a single process."""

    order = expressions.FER2013
    tops = ('fer2013.csv',)

    def images(self) -> Iterator[ImageFile]:
        """Yield no image files."""
        yield from ()

    def write_labels(self, root: Path) -> None:
        """Render all faces into the table."""
        write_file(root / self.tops[0], self._rows())

    def _rows(self) -> Iterator[bytes]:
        yield b'emotion,pixels,Usage\n'
        for split in self.labels:
            for i, number in self.numbers(split):
                face = render(self.settings, split, i)
                grey = self.compose(face, ImageFile(Path(), split, i))
                pixels = ' '.join(map(str, grey.ravel()))
                yield f'{number},{pixels},{self.names[split]}\n'.encode()


class FERPlusTable(FER2013Images):
    """``FER2013Train/fer0000000.png``, and votes in ``fer2013new.csv``."""

    order = expressions.FER_PLUS
    tops = ('FER2013Train', 'FER2013Test', 'fer2013new.csv')
    file = 'FER2013{title}/fer{index:07d}.png'

    def write_labels(self, root: Path) -> None:
        """Write the table of votes.

        The class gets eight votes and the next class two, so that the majority rule and
        soft labels give different targets.
        """
        names = [name.lower() for name in self.order]
        rows: list[list] = [['Usage', 'Image name', *names, 'unknown', 'NF']]
        for split, usage in self.names.items():
            for i, number in self.numbers(split):
                votes = [0] * 10
                votes[number], votes[(number + 1) % 8] = 8, 2
                rows.append([usage, self.listed(split, i), *votes])
        write_csv(root / 'fer2013new.csv', rows)


class AffectNetTables(FolderWriter):
    """The first release: whole images, and tables with face boxes."""

    order = expressions.AFFECT_NET
    tops = ('Manually_Annotated_Images', 'Manually_Annotated_file_lists')
    names = {'train': 'training', 'test': 'validation'}
    file = 'Manually_Annotated_Images/1/{split}{index:08x}.jpg'
    listed_parts = 2

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Place the face in a larger image."""
        return self.surround(face)

    def write_labels(self, root: Path) -> None:
        """Write one table per split."""
        header = (
            'subDirectory_filePath,face_x,face_y,face_width,face_height,'
            'facial_landmarks,expression,valence,arousal'
        )
        size = self.settings.image_size
        box = (self.border, self.border, size, size)
        for split, name in self.names.items():
            rows = [
                [self.listed(split, i), *box, '', number, -2, -2]
                for i, number in self.numbers(split)
            ]
            write_csv(root / self.tops[1] / f'{name}.csv', [header.split(','), *rows])


class AffectNet2021(FolderWriter):
    """The release of 2021: cropped images with one annotation file each."""

    order = expressions.AFFECT_NET
    names = {'train': 'train_set', 'test': 'val_set'}
    tops = tuple(names.values())
    file = '{name}/images/{index}.jpg'

    def write_labels(self, root: Path) -> None:
        """Write the labels as text in NumPy files, as in the release."""
        for split, folder in self.names.items():
            for i, number in self.numbers(split):
                content = io.BytesIO()
                np.save(content, np.array(str(number)))
                path = root / folder / 'annotations' / f'{i}_exp.npy'
                write_file(path, [content.getvalue()])


class CAERSFolders(FolderWriter):
    """``CAER-S/train/Anger/0001.png``: frames that are larger than the face.

    A frame is 3.5 times as wide and twice as high as the face image, which is placed
    unchanged at its lower edge. The colours at the edges of the face image continue
    around it, out of focus.
    """

    order = expressions.CAER_S
    tops = ('CAER-S',)
    file = 'CAER-S/{split}/{expression}/{count:04d}.png'

    def corner(self, split: str, index: int) -> tuple[int, int]:
        """Return the top left corner (x, y) of the face image in its frame."""
        size = self.settings.image_size
        place = generator(self.settings.seed, split, 'frame', index).random()
        return int(place * (7 * size // 2 - size + 1)), size

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Place the face in its frame."""
        size = self.settings.image_size
        x, y = self.corner(image.split, image.index)
        right = 7 * size // 2 - size - x
        frame = cv2.copyMakeBorder(face, y, 0, x, right, cv2.BORDER_REPLICATE)
        frame = cv2.GaussianBlur(frame, (0, 0), size / 10)
        frame[y : y + size, x : x + size] = face
        return frame
