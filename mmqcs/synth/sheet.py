"""Contact sheet: the same people with every expression."""

import cv2
import numpy as np

from .synth_fer import SynthFERSettings, render

__all__ = ['make_sheet']


def make_sheet(
    settings: SynthFERSettings,
    split: str = 'train',
    people: int = 8,
    first: int = 0,
    gap: int = 4,
) -> np.ndarray:
    """Draws a table of faces, a class a row and a person a column.

    Args:
        settings: Settings of the faces.
        split: 'train' or 'test'.
        people: Number of columns, at least 1.
        first: Number of the image whose person is in the first column.
        gap: Space between pictures in pixels.

    Returns:
        BGR picture, uint8 (H, W, 3), the class names at the left.

    Raises:
        ValueError: There are no columns or the first one is negative.
    """
    if people < 1:
        raise ValueError(f'people must be at least 1, got {people}')
    if first < 0:
        raise ValueError(f'first must be at least 0, got {first}')
    cell = settings.image_size + gap
    margin = cell
    height = settings.num_classes * cell + gap
    sheet = np.full((height, margin + people * cell + gap, 3), 255, np.uint8)
    font, size = cv2.FONT_HERSHEY_SIMPLEX, settings.image_size / 210.0
    for row, name in enumerate(settings.classes):
        y = gap + row * cell
        (width, _), _ = cv2.getTextSize(name, font, size, 1)
        at = (max(0, margin - width - gap), y + settings.image_size // 2)
        cv2.putText(sheet, name, at, font, size, (40, 40, 40), 1, cv2.LINE_AA)
        for column in range(people):
            x = margin + gap + column * cell
            face = render(settings, split, first + column, row)
            sheet[y : y + settings.image_size, x : x + settings.image_size] = face
    return sheet
