"""The layout of CAER-S."""

from pathlib import Path

import cv2
import numpy as np

from mmqcs import expressions
from mmqcs.synth.rng import generator

from .base import Layout, Picture

__all__ = ['CAERSFolders']


class CAERSFolders(Layout):
    """``CAER-S/train/Anger/0001.png``: frames in which the face has a part only.

    A frame is 3.5 times as wide as the face picture and twice as high. The face
    picture is somewhere along its lower edge, unchanged; around it the colours of
    its edges go on, out of focus.
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
        """See the base class."""
        folder = self.order[self.number(split, index)]
        return Path('CAER-S') / split / folder / f'{index + 1:04d}.png'

    def corner(self, split: str, index: int) -> tuple[int, int]:
        """The upper left corner (x, y) of the face picture in its frame."""
        (width, height), size = self.frame_size, self.settings.image_size
        place = generator(self.settings.seed, split, 'frame', index).random()
        return int(place * (width - size + 1)), height - size

    def compose(self, face: np.ndarray, picture: Picture) -> np.ndarray:
        """See the base class. The face picture itself is unchanged in the frame."""
        size = self.settings.image_size
        x, y = self.corner(picture.split, picture.index)
        right = self.frame_size[0] - size - x
        frame = cv2.copyMakeBorder(face, y, 0, x, right, cv2.BORDER_REPLICATE)
        frame = cv2.GaussianBlur(frame, (0, 0), size / 10)
        frame[y : y + size, x : x + size] = face
        return frame

    def write_labels(self, root: Path) -> None:
        """Nothing: the folders are the labels."""
