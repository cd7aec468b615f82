"""SynthFER: rendered faces whose expressions are FACS action units."""

from .synth_fer import (
    CLASSES,
    RENDERER_VERSION,
    SynthFERSettings,
    face_box,
    label_of,
    labels,
    render,
)

__all__ = [
    'CLASSES',
    'RENDERER_VERSION',
    'SynthFERSettings',
    'face_box',
    'label_of',
    'labels',
    'render',
]
