"""The layout of ExpW."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import render

from .base import Picture
from .files import write_file
from .folds import FoldedLayout

__all__ = ['ExpWImages']


class ExpWImages(FoldedLayout):
    """``image/origin/face_000.jpg`` and ``label/label.lst`` with the boxes of faces.

    The faces of an image stand next to each other in a larger image.
    """

    dataset = 'ExpW'
    order = expressions.EXP_W
    tops = ('image', 'label')

    @property
    def _border(self) -> int:
        return round(0.25 * self.settings.image_size)

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        group, _ = self.place(split, index)
        return Path('image/origin') / f'face_{group:0{self.digits}d}.jpg'

    def pictures(self) -> Iterator[Picture]:
        """See the base class; one of each image, named after its first face."""
        for picture in super().pictures():
            if picture.index < self.num_groups[picture.split]:
                yield picture

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class. The other faces of the image are drawn as well."""
        step = self.num_groups[picture.split]
        count = len(self.labels[picture.split])
        others = range(picture.index + step, count, step)
        faces = [face, *(render(self.settings, picture.split, i) for i in others)]
        row = np.concatenate(faces, axis=1)
        return cv2.copyMakeBorder(row, *[self._border] * 4, cv2.BORDER_REFLECT)

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        size, border = self.settings.image_size, self._border
        lines = []
        for split in self.labels:
            for i, number in self.numbers(split):
                turn = self.place(split, i)[1]
                left = border + turn * size
                box = f'{border} {left} {left + size} {border + size}'
                lines.append(f'{self.path(split, i).name} {turn} {box} 50.0 {number}\n')
        write_file(root / 'label/label.lst', map(str.encode, lines))
