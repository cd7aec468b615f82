"""ExpW."""

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FoldedDataset, Layout, Sample
from .readers.fields import image_name, integer, shorten
from .readers.folders import companion
from .readers.text_files import read_lines

_EXAMPLE = 'angry_actor_104.jpg 0 28 113 226 141 22.9362 0'
_TREE = """\
    label/label.lst             "{example}": name, face,
                                top, left, right, bottom, confidence, 0 to 6
    image/origin/angry_actor_104.jpg                      (or origin/)"""
_FAR = 99_999
"""Largest distance of a box from its image in pixels."""
_LAST = 6
_DECIMAL = re.compile(r'-?[0-9]{1,9}(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?')


class _Row(NamedTuple):
    name: str
    box: tuple[int, int, int, int]
    label: int
    origin: str


@DATASETS.register_module()
class ExpW(FoldedDataset):
    """ExpW (Zhang et al., IJCV 2018): seven classes, 91,793 faces from the web.

    The images are whole, and many show several faces. Each face has its box (``bbox``)
    for the transform :class:`CropFace`. The layout is that of the authors:
    ``label/label.lst`` and ``image/origin`` (or ``origin``).

    There is no official split. ``'train'`` and ``'test'`` divide the *images*, see
    :class:`.FoldedDataset`, so all faces of an image are in the same split.

    Examples:
        >>> data = ExpW('data/expw', split='test', fold=0, num_folds=5)
        >>> len(data.get_data_info(0)['bbox'])
        4
    """

    METAINFO = {'dataset_name': 'ExpW', 'classes': expressions.EXP_W}
    SEVERAL_FACES = True
    PUBLISHED = {'all': (3671, 3995, 1088, 30537, 10559, 7060, 34883)}

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        sources = [root / 'label' / 'label.lst', root / 'label.lst']
        hint = 'Unpack the images into image/origin'
        tree = _TREE.format(example=_EXAMPLE)
        return (Layout('list', sources, partial(self._read, root), tree, hint),)

    def _read(self, root: Path, source: Path) -> Iterator[Sample]:
        images = str(companion(source, root, 'origin'))
        rows = _read_list(source)
        wanted = self.groups_of_split(row.name for row in rows)
        for row in rows:
            if row.name in wanted:
                path = os.path.join(images, row.name)
                yield Sample(path, row.label, row.origin, extra={'bbox': row.box})


def _read_list(path: Path) -> list[_Row]:
    rows = []
    for number, line in read_lines(path):
        origin = f'{path} line {number}'
        try:
            # names may contain spaces
            name, _, *numbers, confidence, label = line.strip(' \t').rsplit(maxsplit=7)
            top, left, right, bottom = (integer(x, minimum=-_FAR) for x in numbers)
            if not _DECIMAL.fullmatch(confidence):
                raise ValueError(f'confidence {shorten(confidence)}')
            if right <= left or bottom <= top:
                raise ValueError('the box is empty')
            box = left, top, right - left, bottom - top
            rows.append(_Row(image_name(name), box, integer(label, _LAST), origin))
        except ValueError as error:
            raise ValueError(
                f'{origin}: expected name, face, top, left, right, bottom, confidence '
                f'and expression such as {_EXAMPLE!r}, got {shorten(line)} ({error})'
            ) from error
    return rows
