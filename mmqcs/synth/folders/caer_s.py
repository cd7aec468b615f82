"""Writer of CAER-S."""

from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.rng import generator

from .base import FolderWriter, ImageFile

__all__ = ['CAERSFolders']


class CAERSFolders(FolderWriter):
    """``CAER-S/train/Anger/0001.png``: frames that are larger than the face.

    A frame is 3.5 times as wide and twice as high as the face image, which is placed
    unchanged at its lower edge. The colours at the edges of the face image continue
    around it, out of focus.
    """

    dataset = 'CAER-S'
    order = expressions.CAER_S
    tops = ('CAER-S',)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        size = self.settings.image_size
        return 7 * size // 2, 2 * size

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        folder = self.order[self.number(split, index)]
        return Path('CAER-S') / split / folder / f'{index + 1:04d}.png'

    def corner(self, split: str, index: int) -> tuple[int, int]:
        """Return the top left corner (x, y) of the face image in its frame."""
        (width, height), size = self.frame_size, self.settings.image_size
        place = generator(self.settings.seed, split, 'frame', index).random()
        return int(place * (width - size + 1)), height - size

    def compose(self, face: np.ndarray, image: ImageFile) -> np.ndarray:
        """Place the face in its frame."""
        size = self.settings.image_size
        x, y = self.corner(image.split, image.index)
        right = self.frame_size[0] - size - x
        frame = cv2.copyMakeBorder(face, y, 0, x, right, cv2.BORDER_REPLICATE)
        frame = cv2.GaussianBlur(frame, (0, 0), size / 10)
        frame[y : y + size, x : x + size] = face
        return frame
