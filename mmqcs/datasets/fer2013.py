"""FER2013."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from mmengine.logging import print_log

from mmqcs.registry import DATASETS

from .class_folders import SPLIT_NAMES, split_folders
from .fer2013_csv import read_fer2013_csv
from .fer_dataset import FERDataset
from .label_order import class_spellings
from .layouts import Layout, Sample
from .listings import read_class_folders

_USAGE = {'train': 'Training', 'val': 'PublicTest', 'test': 'PrivateTest'}
_TABLES = ('fer2013.csv', 'icml_face_data.csv', 'fer2013/fer2013.csv')

_CSV_TREE = """\
    fer2013.csv                   emotion,pixels,Usage
                                  (or icml_face_data.csv)"""
_FOLDER_TREE = """\
    train/angry/Training_10118481.jpg       angry, disgust, fear, happy, sad,
    test/angry/PublicTest_10350727.jpg      surprise, neutral; the beginning of the
    test/angry/PrivateTest_10131363.jpg     name, not the folder, is the split
    train/angry/0.jpg, test/angry/0.jpg     without such names the folder decides"""


@DATASETS.register_module()
class FER2013(FERDataset):
    """FER2013 (Goodfellow et al., 2013): seven classes, 48 × 48 grey images.

    The layouts, in the order in which they are looked for:

    - ``'csv'``: ``fer2013.csv`` (or ``fer2013/fer2013.csv``), or the same table in
      another order of columns, ``icml_face_data.csv``. The images are read out of
      the table when they are needed, see :class:`.FER2013CSVBackend`.
    - ``'folders'``: class folders below ``train``, ``test`` or ``validation`` (or
      ``Training``, ``PublicTest`` and ``PrivateTest``). The file name says which
      split an image is of: ``Training_``, ``PublicTest_`` or ``PrivateTest_``. The
      usual folder ``test`` mixes the last two. If no file has such a name, the
      folder is the split. ``test`` alone then holds both PublicTest and PrivateTest,
      and results on it cannot be compared with published ones. A warning in the log
      says so.

    Args:
        data_root: Root folder.
        split: ``'train'`` (28,709 images), ``'val'`` (PublicTest, 3,589) or
            ``'test'`` (PrivateTest, 3,589).
        pipeline: Transforms.
        **kwargs: See :class:`.FERDataset`.

    Raises:
        FileNotFoundError: No layout is found.
        ValueError: A row of the table is broken, a folder is not that of a class,
            or some file names give a split and others do not.

    Examples:
        >>> pipeline = [dict(type='mmqcs.LoadImage')]
        >>> data = FER2013('data/fer2013', split='test', pipeline=pipeline)
        >>> data.get_data_info(0)['img_path']  # a row of the table
        'fer2013://...data/fer2013/fer2013.csv/...png'
        >>> data[0]['img'].shape
        (48, 48, 3)
    """

    SPLITS = ('train', 'val', 'test')
    METAINFO = {
        'dataset_name': 'FER2013',
        'classes': ('Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral'),
    }
    PUBLISHED = {
        'train': (3995, 436, 4097, 7215, 4830, 3171, 4965),
        'val': (467, 56, 496, 895, 653, 415, 607),
        'test': (491, 55, 528, 879, 594, 416, 626),
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        tables = [root / name for name in _TABLES]
        # The source is the folder that holds the splits: they are read together.
        folders = [
            folder for name in SPLIT_NAMES for folder in split_folders(root, name)
        ]
        if any(folder.is_dir() for folder in folders):
            folders = [root]
        return (
            Layout('csv', tables, self._read_csv, _CSV_TREE),
            Layout('folders', folders, self._read_folders, _FOLDER_TREE),
        )

    def _read_csv(self, source: Path) -> Iterator[Sample]:
        for row in read_fer2013_csv(source):
            self._check_usage(row.usage, f'{row.origin}: Usage')
            if row.usage == _USAGE[self.split]:
                yield Sample(row.path, row.emotion, row.origin, listed=True)

    def _read_folders(self, source: Path) -> Iterator[Sample]:
        labels = class_spellings(self.METAINFO['classes'])
        samples = {
            name: list(read_class_folders(folder, labels))
            for name in SPLIT_NAMES
            for folder in split_folders(source, name)
            if folder.is_dir()
        }
        usages = {
            sample.path: Path(sample.path).name.partition('_')[0]
            for found in samples.values()
            for sample in found
        }
        if not set(usages.values()) & set(_USAGE.values()):
            return self._of_folder(source, samples)
        return self._of_usage(usages, samples)

    def _of_folder(
        self, source: Path, samples: Mapping[str, Sequence[Sample]]
    ) -> Iterator[Sample]:
        held_out = [name for name in ('val', 'test') if name in samples]
        if self.split != 'train' and len(held_out) == 1:
            print_log(
                f'The file names below {source} do not say which images are of '
                f'PublicTest and which of PrivateTest. The folder of the {held_out[0]} '
                f'split then usually holds both, so results on it cannot be compared '
                f'with published ones',
                logger='current',
                level=logging.WARNING,
            )
        return iter(samples.get(self.split, ()))

    def _of_usage(
        self, usages: Mapping[str, str], samples: Mapping[str, Sequence[Sample]]
    ) -> Iterator[Sample]:
        for sample in chain.from_iterable(samples.values()):
            usage = usages[sample.path]
            self._check_usage(usage, f'{sample.path}: the beginning of the name')
            if usage == _USAGE[self.split]:
                yield sample

    @staticmethod
    def _check_usage(usage: str, what: str) -> None:
        if usage not in _USAGE.values():
            raise ValueError(
                f'{what} must be one of {", ".join(_USAGE.values())}, which says the '
                f'split of the image, got {usage!r}'
            )
