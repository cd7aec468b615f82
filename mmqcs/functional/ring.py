"""The images of a group and the edges between them, as data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Edge = tuple[int, int]


@dataclass(frozen=True)
class Ring:
    """Pairs of images of a group that are compared with each other (QCS, Section 3.1).

    Each image lies on exactly one similar edge and, if there are dissimilar edges, on
    exactly one of those.

    Args:
        branches: Name of each image of the group, in batch order.
        similar: Pairs of images of the same class.
        dissimilar: Pairs of images of different classes.
        sampler: Registered batch sampler that makes such groups, for messages.

    Raises:
        ValueError: If an edge list leaves an image out or names one twice.

    Examples:
        >>> from mmqcs.functional import QUADRUPLET
        >>> QUADRUPLET.similar, QUADRUPLET.dissimilar
        (((0, 1), (2, 3)), ((0, 2), (1, 3)))
        >>> QUADRUPLET.violation([[3], [3], [5], [6]])  # a group of labels 3, 3, 5, 6
        'group 0: negative has label 5 and second_negative has label 6, which ...'
    """

    branches: tuple[str, ...]
    similar: tuple[Edge, ...]
    dissimilar: tuple[Edge, ...] = ()
    sampler: str = ''

    def __post_init__(self) -> None:
        for name, edges in (('similar', self.similar), ('dissimilar', self.dissimilar)):
            ends = sorted(image for edge in edges for image in edge)
            if ends != list(range(self.size)) and (name == 'similar' or edges):
                raise ValueError(
                    f'each of the {self.size} images of a ring must lie on exactly one '
                    f'{name} edge, got {edges}'
                )

    @property
    def size(self) -> int:
        """Number of images in a group."""
        return len(self.branches)

    @property
    def partners(self) -> tuple[int, ...]:
        """The similar partner of each image."""
        pairs = {i: j for a, b in self.similar for i, j in ((a, b), (b, a))}
        return tuple(pairs[i] for i in range(self.size))

    def classes(self) -> tuple[int, ...]:
        """Return the class slot of each image, ``(0, 0, 1, 1)`` for a quadruplet."""
        slots = [0] * self.size
        for slot, (i, j) in enumerate(self.similar):
            slots[i] = slots[j] = slot
        return tuple(slots)

    def violation(self, labels: np.ndarray | Sequence[Sequence[int]]) -> str | None:
        """Describe the first group whose labels break the rule, or return None.

        Args:
            labels: ``labels[branch][group]``, shape (size, B).
        """
        rows = np.asarray(labels)
        found: list[tuple[int, int, int, int, bool]] = []
        for edges, alike in ((self.similar, True), (self.dissimilar, False)):
            for i, j in edges:
                wrong = np.flatnonzero((rows[i] == rows[j]) != alike)
                found += [(wrong[0], len(found), i, j, alike)] if len(wrong) else []
        if not found:
            return None
        g, _, i, j, alike = min(found)
        return (
            f'group {g}: {self.branches[i]} has label {rows[i, g]} and '
            f'{self.branches[j]} has label {rows[j, g]}, which should be '
            f'{"the same" if alike else "different"}'
        )


QUADRUPLET = Ring(
    branches=('anchor', 'positive', 'negative', 'second_negative'),
    similar=((0, 1), (2, 3)),
    dissimilar=((0, 2), (1, 3)),
    sampler='mmqcs.QuadrupletBatchSampler',
)
"""The group of QCS: labels (y, y, z, z) with y ≠ z."""

PAIR = Ring(
    branches=('anchor', 'positive'),
    similar=((0, 1),),
    sampler='mmqcs.PairBatchSampler',
)
"""The group of DCS: labels (y, y)."""

RINGS = {'quadruplet': QUADRUPLET, 'pair': PAIR}
