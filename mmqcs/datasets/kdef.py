"""KDEF."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FoldedDataset, FoundLayout, Layout, Sample
from .readers.coded_names import coded_sources, find_coded_images

_ANGLES = ('FL', 'HL', 'S', 'HR', 'FR')
_CODES = ('AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU')
_NAME = re.compile(
    rf'[AB](?P<subject>[FM]\d{{2,}})(?P<expression>{"|".join(_CODES)})'
    rf'(?P<angle>{"|".join(_ANGLES)})',
    re.IGNORECASE,
)
_TREE = """\
    KDEF/AF01/AF01ANS.JPG       session A or B, sex F or M, number, expression (AF,
                                AN, DI, HA, NE, SA, SU), angle (FL, HL, S, HR, FR);
                                also in subfolders of any other kind"""


@DATASETS.register_module()
class KDEF(FoldedDataset):
    """KDEF (Lundqvist et al., 1998): 70 subjects, seven expressions, five angles.

    File names encode subject, expression and angle, ``AF01ANS.JPG``, so the images can
    be in any subfolders: those of the release, or class folders.

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*, see
    :class:`.FoldedDataset`; both sessions of a subject stay together. Each data info
    has its ``subject``, such as ``'F01'``, and its ``angle``.

    Args:
        data_root: Root folder.
        split: ``'all'`` (980 frontal images), ``'train'`` or ``'test'``.
        pipeline: Transforms.
        angles: Angles to read: full left profile ``'FL'``, half left profile ``'HL'``,
            straight ``'S'``, ``'HR'`` and ``'FR'``. By default straight only, as in
            most papers.
        **kwargs: ``fold``, ``num_folds`` and the arguments of :class:`.FERDataset`.

    Raises:
        FileNotFoundError: No image with such a name is found.
        ValueError: Unknown angle; an image exists twice, or is in the folder of another
            class.

    Examples:
        >>> data = KDEF('data/kdef', split='test', angles=('HL', 'S', 'HR'))
        >>> data.CLASSES
        ('Fear', 'Anger', 'Disgust', 'Happy', 'Neutral', 'Sad', 'Surprise')
    """

    METAINFO = {
        'dataset_name': 'KDEF',
        'classes': expressions.KDEF,
    }
    PUBLISHED = {'all': (140,) * 7}

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        pipeline: Sequence = (),
        angles: Sequence[str] = ('S',),
        **kwargs: Any,
    ) -> None:
        if isinstance(angles, str) or not angles or set(angles) - set(_ANGLES):
            raise ValueError(
                f'angles must be a sequence of {", ".join(_ANGLES)}, got {angles!r}'
            )
        self.angles = tuple(angles)
        super().__init__(data_root, split, pipeline, **kwargs)

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        sources = coded_sources(root, ('kdef',), _NAME)
        return (Layout('names', sources, self._read, _TREE),)

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class. The published counts are of frontal images."""
        return super().published_counts(found) if self.angles == ('S',) else None

    def _read(self, source: Path) -> Iterator[Sample]:
        classes = self.METAINFO['classes']
        images = list(find_coded_images(source, _NAME, classes, _CODES))
        subjects = [match['subject'].upper() for _, _, match in images]
        wanted = self.groups_of_split(subjects)
        for (file, label, match), subject in zip(images, subjects, strict=True):
            angle = match['angle'].upper()
            if subject in wanted and angle in self.angles:
                extra = {'subject': subject, 'angle': angle}
                yield Sample(str(file), label, str(file), listed=True, extra=extra)
