"""ExpW."""

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmqcs.registry import DATASETS

from .folds import FoldedDataset
from .layouts import Layout, Sample, companion

_EXAMPLE = 'angry_actor_104.jpg 0 28 113 226 141 22.9362 0'
# the name of the image may hold spaces, but no folder
_LINE = re.compile(
    r'([^/\\]+\.\w+)\s+(\d+)' + r'\s+(-?\d{1,9})' * 4 + r'\s+[-+.\deE]+\s+(-?\d{1,9})',
    re.ASCII,
)
_TREE = """\
    label/label.lst             "{example}": name, face,
                                top, left, right, bottom, confidence, 0 to 6
    image/origin/angry_actor_104.jpg                      (or origin/)"""


class _Row(NamedTuple):
    name: str
    box: tuple[int, int, int, int]
    label: int
    origin: str


@DATASETS.register_module()
class ExpW(FoldedDataset):
    """ExpW (Zhang et al., IJCV 2018): seven classes, 91,793 faces from the web.

    The tree is the one that its authors give out. The images are whole, and many
    show several faces. Each face comes with its box (``bbox``), for the transform
    :class:`CropFace`::

        data_root/
        ├── label/label.lst               name face top left right bottom ...
        └── image/origin/<name>.jpg       (or origin/<name>.jpg)

    There is no official split. ``'train'`` and ``'test'`` divide the *images*, so
    that all faces of an image are in the same split: of the image names in order,
    every ``num_folds``-th from the ``fold``-th on is tested. By default that is a
    tenth of the images.

    Args:
        data_root: Root folder.
        split: ``'all'`` (91,793 faces), ``'train'`` or ``'test'``.
        pipeline: Transforms.
        **kwargs: ``fold`` and ``num_folds``, see :class:`.FoldedDataset`, and the
            arguments of :class:`.FERDataset`.

    Raises:
        FileNotFoundError: The tree is not there, or an image is missing.
        ValueError: A line of the list is broken, or gives a face a second class.

    Examples:
        >>> data = ExpW('data/expw', split='test', fold=0, num_folds=5)
        >>> len(data.get_data_info(0)['bbox'])
        4
    """

    METAINFO = {
        'dataset_name': 'ExpW',
        'classes': ('Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral'),
    }
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
    rows, seen = [], {}
    with path.open(encoding='utf-8-sig') as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            origin = f'{path} line {number}'
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise ValueError(
                    f'{origin}: expected name, face, top, left, right, bottom, '
                    f'confidence and expression such as {_EXAMPLE!r}, got '
                    f'{line.strip()[:100]!r}'
                )
            name, face, *numbers, label = match.groups()
            top, left, right, bottom = map(int, numbers)
            box = left, top, right - left, bottom - top
            row = _Row(name, box, int(label), origin)
            if min(row.box[2:]) <= 0:
                raise ValueError(
                    f'{origin}: the box of {name} has no size: top {top}, left {left}, '
                    f'right {right}, bottom {bottom}'
                )
            first = seen.setdefault((name, face, row.box), row)
            if first.label != row.label:
                raise ValueError(
                    f'{origin}: face {face} of {name} has the expression {row.label}, '
                    f'but {first.label} in {first.origin}. Remove the wrong line'
                )
            rows.append(row)
    return rows
