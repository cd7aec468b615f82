"""The folder layouts of FER data sets, for writing SynthFER into them.

Each layout says where image i of a split goes, how the drawn face becomes that
file, and what label files come with it.
"""

import csv
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from .synth_fer import CLASSES

Labels = Mapping[str, np.ndarray]
"""SynthFER's labels of each split, 'train' and 'test'."""

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


class Layout(ABC):
    """One data set's layout on disk.

    Attributes:
        order: SynthFER's class names in the order of the data set's labels.
        first: The data set's number of the first class.
        roots: What it writes directly below the root.
    """

    order: tuple[str, ...]
    roots: tuple[str, ...]
    first = 0

    def number(self, label: int) -> int:
        """The data set's number of a SynthFER class.

        Raises:
            ValueError: The data set has no such class.
        """
        name = CLASSES[label]
        if name not in self.order:
            raise ValueError(f'{type(self).__name__} has no class for {name}')
        return self.order.index(name) + self.first

    @abstractmethod
    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """File of an image, relative to the root; ``sizes`` are the splits'."""

    @abstractmethod
    def write_labels(self, root: Path, labels: Labels) -> None:
        """Writes the files that hold the labels."""

    def encode(self, face: np.ndarray, suffix: str) -> bytes:
        """Turns a drawn face, BGR uint8 (H, W, 3), into the content of its file."""
        options = _JPEG if suffix == '.jpg' else ()
        return cv2.imencode(suffix, face, options)[1].tobytes()


class RAFDBLayout(Layout):
    """``basic/EmoLabel/list_patition_label.txt`` and ``basic/Image/aligned``."""

    order = CLASSES  # contempt as an eighth class, which RAF-DB does not have
    first = 1
    roots = ('basic',)
    digits = {'train': 5, 'test': 4}

    def _stem(self, split: str, index: int) -> str:
        return f'{split}_{index + 1:0{self.digits[split]}d}'

    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """See the base class."""
        return Path('basic/Image/aligned') / f'{self._stem(split, index)}_aligned.jpg'

    def write_labels(self, root: Path, labels: Labels) -> None:
        """See the base class. The list ends without a newline, as the real one."""
        lines = [
            f'{self._stem(split, i)}.jpg {self.number(label)}'
            for split, found in labels.items()
            for i, label in enumerate(found)
        ]
        folder = root / 'basic/EmoLabel'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'list_patition_label.txt').write_text('\n'.join(lines))


_FER2013 = ('Anger', 'Disgust', 'Fear', 'Happiness', 'Sadness', 'Surprise', 'Neutral')
_USAGE = {'train': 'Training', 'test': 'PrivateTest'}


class FER2013Layout(Layout):
    """Class folders, the split in each file's name; 48×48 grey."""

    order = _FER2013
    roots = ('train', 'test')
    folders = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')

    def __init__(self, labels: Labels) -> None:
        self._labels = labels

    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """See the base class."""
        folder = self.folders[self.number(self._labels[split][index])]
        return Path(split) / folder / f'{_USAGE[split]}_{index + 1}.jpg'

    def write_labels(self, root: Path, labels: Labels) -> None:
        """Nothing: the folders are the labels."""

    def encode(self, face: np.ndarray, suffix: str) -> bytes:
        """See the base class."""
        return super().encode(_small_grey(face), suffix)


class FERPlusLayout(Layout):
    """``FER2013Train/fer0000000.png`` and votes in ``fer2013new.csv``; 48×48 grey."""

    order = (
        'Neutral',
        'Happiness',
        'Surprise',
        'Sadness',
        'Anger',
        'Disgust',
        'Fear',
        'Contempt',
    )
    roots = ('FER2013Train', 'FER2013Test', 'fer2013new.csv')
    folders = {'train': 'FER2013Train', 'test': 'FER2013Test'}

    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """See the base class. Images are numbered through all splits."""
        number = index + (sizes['train'] if split == 'test' else 0)
        return Path(self.folders[split]) / f'fer{number:07d}.png'

    def write_labels(self, root: Path, labels: Labels) -> None:
        """See the base class. Eight votes for the class, two for another one."""
        sizes = {split: len(found) for split, found in labels.items()}
        rows = []
        for split, found in labels.items():
            for i, label in enumerate(found):
                votes = [0] * 10  # eight classes, unknown, not a face
                votes[self.number(label)] = 8
                votes[(self.number(label) + 1) % 8] = 2
                rows.append([_USAGE[split], self.path(split, i, sizes).name, *votes])
        names = [name.lower() for name in self.order]
        header = ['Usage', 'Image name', *names, 'unknown', 'NF']
        _write_csv(root / 'fer2013new.csv', header, rows)

    def encode(self, face: np.ndarray, suffix: str) -> bytes:
        """See the base class."""
        return super().encode(_small_grey(face), suffix)


class AffectNetLayout(Layout):
    """AffectNet's first release: whole images and lists with boxes."""

    order = (
        'Neutral',
        'Happiness',
        'Sadness',
        'Surprise',
        'Fear',
        'Disgust',
        'Anger',
        'Contempt',
    )
    roots = ('Manually_Annotated_Images', 'Manually_Annotated_file_lists')
    lists = {'train': 'training', 'test': 'validation'}
    margin = 0.25  # of the face, around it

    def __init__(self, image_size: int) -> None:
        self.image_size = image_size

    @property
    def _border(self) -> int:
        return round(self.margin * self.image_size)

    def _name(self, split: str, index: int) -> str:
        return f'{index % 10}/{split}{index:08x}.jpg'

    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """See the base class."""
        return Path('Manually_Annotated_Images') / self._name(split, index)

    def write_labels(self, root: Path, labels: Labels) -> None:
        """See the base class."""
        header = [
            'subDirectory_filePath',
            *('face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks'),
            *('expression', 'valence', 'arousal'),
        ]
        box = [self._border, self._border, self.image_size, self.image_size]
        for split, found in labels.items():
            rows = [
                [self._name(split, i), *box, '', self.number(label), -2, -2]
                for i, label in enumerate(found)
            ]
            folder = root / 'Manually_Annotated_file_lists'
            _write_csv(folder / f'{self.lists[split]}.csv', header, rows)

    def encode(self, face: np.ndarray, suffix: str) -> bytes:
        """See the base class. The face stands in a larger picture."""
        border = [self._border] * 4
        return super().encode(
            cv2.copyMakeBorder(face, *border, cv2.BORDER_REFLECT), suffix
        )


class AffectNet2021Layout(Layout):
    """AffectNet's release of 2021: cropped images, one annotation file each."""

    order = AffectNetLayout.order
    roots = ('train_set', 'val_set')
    folders = {'train': 'train_set', 'test': 'val_set'}

    def path(self, split: str, index: int, sizes: Mapping[str, int]) -> Path:
        """See the base class."""
        return Path(self.folders[split]) / 'images' / f'{index}.jpg'

    def write_labels(self, root: Path, labels: Labels) -> None:
        """See the base class. Classes are stored as text, as in the release."""
        for split, found in labels.items():
            folder = root / self.folders[split] / 'annotations'
            folder.mkdir(parents=True, exist_ok=True)
            for i, label in enumerate(found):
                np.save(folder / f'{i}_exp.npy', np.array(str(self.number(label))))


def make_layout(name: str, labels: Labels, image_size: int) -> Layout:
    """Makes a layout by its name.

    Args:
        name: One of :data:`LAYOUTS`.
        labels: SynthFER's labels of each split.
        image_size: Side of the drawn faces.

    Raises:
        ValueError: The layout is unknown, or the data set lacks a class.
    """
    if name not in LAYOUTS:
        raise ValueError(f'layout must be one of {", ".join(LAYOUTS)}, got {name!r}')
    arguments = {'fer2013': (labels,), 'affectnet': (image_size,)}.get(name, ())
    layout = LAYOUTS[name](*arguments)
    for label in np.unique(np.concatenate(list(labels.values()))):
        layout.number(label)
    return layout


LAYOUTS: dict[str, type[Layout]] = {
    'rafdb': RAFDBLayout,
    'fer2013': FER2013Layout,
    'ferplus': FERPlusLayout,
    'affectnet': AffectNetLayout,
    'affectnet2021': AffectNet2021Layout,
}


def _small_grey(face: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)


def _write_csv(path: Path, header: list[str], rows: list[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
