"""Writer of ExpW."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import render

from .base import ImageFile, write_file
from .folds import FoldedWriter

__all__ = ['ExpWImages']


class ExpWImages(FoldedWriter):
    """``image/origin/face_000.jpg``, and ``label/label.lst`` with the face boxes.

    The faces of an image are placed next to each other in a larger image.
    """

    dataset = 'ExpW'
    order = expressions.EXP_W
    tops = ('image', 'label')

    @property
    def _border(self) -> int:
        return round(0.25 * self.settings.image_size)

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        group, _ = self.place(split, index)
        return Path('image/origin') / f'face_{group:0{self.digits}d}.jpg'

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
        row = np.concatenate(faces, axis=1)
        return cv2.copyMakeBorder(row, *[self._border] * 4, cv2.BORDER_REFLECT)

    def write_labels(self, root: Path) -> None:
        """Write the list of faces with boxes and labels."""
        size, border = self.settings.image_size, self._border
        lines = []
        for split in self.labels:
            for i, number in self.numbers(split):
                turn = self.place(split, i)[1]
                left = border + turn * size
                box = f'{border} {left} {left + size} {border + size}'
                lines.append(f'{self.path(split, i).name} {turn} {box} 50.0 {number}\n')
        write_file(root / 'label/label.lst', map(str.encode, lines))
