"""What an action unit is."""

from dataclasses import dataclass, field

__all__ = ['FOLDS', 'ActionUnit']

FOLDS = (
    'front',  # lines across the forehead
    'frown',  # upright lines between the brows
    'bridge',  # wrinkles across the root of the nose
    'naso',  # from the wing of the nose to the corner of the mouth
    'crow',  # at the outer corner of the eye
    'bag',  # under the eye
    'sulk',  # below the corner of the mouth
    'dimple',  # beside the corner of the mouth
    'chin',  # above the chin, and the chin's texture
    'cheek',  # raised apple of the cheek
)
"""Folds and bulges of the skin that the units deepen."""


@dataclass(frozen=True)
class ActionUnit:
    """What one action unit does at full intensity.

    Args:
        name: Name in FACS.
        moves: Landmark to its displacement (outwards, down) in half widths of
            the face.
        folds: Fold to the depth added to it.
    """

    name: str
    moves: dict[str, tuple[float, float]]
    folds: dict[str, float] = field(default_factory=dict)
