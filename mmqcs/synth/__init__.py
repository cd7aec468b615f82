"""SynthFER: faces drawn by a program whose expressions are FACS action units."""

from .sheet import make_sheet
from .synth_fer import (
    CLASSES,
    DRAWING,
    SynthFERSettings,
    face_box,
    label_of,
    labels,
    render,
)

__all__ = [
    'CLASSES',
    'DRAWING',
    'SynthFERSettings',
    'face_box',
    'label_of',
    'labels',
    'make_sheet',
    'render',
]
