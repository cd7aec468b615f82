"""The action units: what each does to a face.

The units are those of the Facial Action Coding System (FACS). Each moves named
landmarks and deepens named folds; an expression is the sum over its units,
each scaled by an intensity from 0 (absent) to 1 (extreme).
"""

import numpy as np

from .geometry import INDEX
from .lower_units import LOWER_UNITS
from .unit import FOLDS, ActionUnit
from .upper_units import UPPER_UNITS

__all__ = ['ACTION_UNITS', 'NUMBERS', 'ROWS', 'displacements', 'fold_depths']

ACTION_UNITS: dict[int, ActionUnit] = {**UPPER_UNITS, **LOWER_UNITS}
"""The action units by their number in FACS."""

NUMBERS = tuple(ACTION_UNITS)
"""Number in FACS of each row of the intensities."""

ROWS = {number: row for row, number in enumerate(NUMBERS)}
"""Row of the intensities of each number in FACS."""


def _move_table() -> np.ndarray:
    table = np.zeros((len(NUMBERS), len(INDEX), 2))
    for number, unit in ACTION_UNITS.items():
        for landmark, move in unit.moves.items():
            table[ROWS[number], INDEX[landmark]] = move
    return table


def _fold_table() -> np.ndarray:
    table = np.zeros((len(NUMBERS), len(FOLDS)))
    for number, unit in ACTION_UNITS.items():
        for fold, depth in unit.folds.items():
            table[ROWS[number], FOLDS.index(fold)] = depth
    return table


_MOVES = _move_table()
_FOLD_DEPTHS = _fold_table()


def displacements(intensities: np.ndarray) -> np.ndarray:
    """Sum of the units' displacements.

    Args:
        intensities: (2, units), as from :func:`sample_intensities`.

    Returns:
        Displacements (2, K, 2) of the landmarks of each half, outwards and
        down.
    """
    return np.tensordot(intensities, _MOVES, axes=1)


def fold_depths(intensities: np.ndarray) -> np.ndarray:
    """Depths (2, folds) that the units give the folds of each half."""
    return intensities @ _FOLD_DEPTHS
