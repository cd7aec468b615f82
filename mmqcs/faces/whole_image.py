"""Images that are cropped faces."""

import numpy as np

from .face import Face

__all__ = ['WholeImage']


class WholeImage:
    """Takes the whole image as one face that has been cropped and aligned before.

    Examples:
        >>> (face,) = WholeImage().detect(np.zeros((100, 120, 3), np.uint8))
        >>> face.box.tolist()
        [0.0, 0.0, 120.0, 100.0]
    """

    def detect(self, image: np.ndarray) -> list[Face]:
        """Return one face with the size of the image, score 1 and no points.

        Args:
            image: BGR, uint8 (H, W, 3).
        """
        height, width = image.shape[:2]
        return [Face(np.array([0.0, 0.0, width, height]), 1.0)]
