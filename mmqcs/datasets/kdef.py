"""KDEF."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import CodedDataset, FoundLayout

_ANGLES = ('FL', 'HL', 'S', 'HR', 'FR')


@DATASETS.register_module()
class KDEF(CodedDataset):
    """KDEF (Lundqvist et al., 1998): 70 subjects, seven expressions, five angles.

    File names encode subject, expression and angle, ``AF01ANS.JPG``, so the images can
    be in any subfolders: those of the release, or class folders.

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*, see
    :class:`.FoldedDataset`; both sessions of a subject stay together. Each data info
    has its ``subject``, such as ``'F01'``, and its ``angle``. ``'all'`` has 980 frontal
    images.

    Args:
        **kwargs: See :class:`.CodedDataset`.
        angles: Angles to read: full left profile ``'FL'``, half left profile ``'HL'``,
            straight ``'S'``, ``'HR'`` and ``'FR'``. By default straight only, as in
            most papers.

    Examples:
        >>> data = KDEF('data/kdef', split='test', angles=('HL', 'S', 'HR'))
        >>> data.CLASSES
        ('Fear', 'Anger', 'Disgust', 'Happy', 'Neutral', 'Sad', 'Surprise')
    """

    METAINFO = {'dataset_name': 'KDEF', 'classes': expressions.KDEF}
    PUBLISHED = {'all': (140,) * 7}
    CODES = ('AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU')
    NAME = re.compile(
        rf'[AB](?P<subject>[FM]\d{{2,}})(?P<expression>{"|".join(CODES)})'
        rf'(?P<angle>{"|".join(_ANGLES)})',
        re.IGNORECASE,
    )
    FOLDERS = ('kdef',)
    TREE = """\
    KDEF/AF01/AF01ANS.JPG       session A or B, sex F or M, number, expression (AF,
                                AN, DI, HA, NE, SA, SU), angle (FL, HL, S, HR, FR);
                                also in subfolders of any other kind"""

    def __init__(
        self, *args: Any, angles: Sequence[str] = ('S',), **kwargs: Any
    ) -> None:
        if isinstance(angles, str) or not angles or set(angles) - set(_ANGLES):
            raise ValueError(
                f'angles must be a sequence of {", ".join(_ANGLES)}, got {angles!r}'
            )
        self.angles = tuple(angles)
        super().__init__(*args, **kwargs)

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class. The published counts are of frontal images."""
        return super().published_counts(found) if self.angles == ('S',) else None

    def wanted(self, info: Mapping[str, str]) -> bool:
        """See the base class."""
        return info['angle'] in self.angles
