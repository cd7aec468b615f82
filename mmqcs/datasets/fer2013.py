"""FER2013."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from mmengine.logging import print_log

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FERDataset, Layout, Sample
from .readers.fer2013_csv import read_fer2013_csv
from .readers.folders import SPLIT_NAMES, split_folders
from .readers.listings import read_class_folders

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

    The layouts, in order of precedence:

    - ``'csv'``: ``fer2013.csv``, or ``icml_face_data.csv`` with its columns in another
      order. Images are read on demand, see :class:`.FER2013CSVBackend`.
    - ``'folders'``: class folders below ``train``, ``test`` or ``validation``. The
      prefix of the file name, ``Training_``, ``PublicTest_`` or ``PrivateTest_``,
      decides the split, because the usual folder ``test`` mixes the last two. If no
      file has such a prefix, the folder is the split. A single held-out folder then
      holds both test sets, and the log warns that results are not comparable.

    Args:
        split: ``'train'`` (28,709 images), ``'val'`` (PublicTest, 3,589) or ``'test'``
            (PrivateTest, 3,589).
        **kwargs: See :class:`.FERDataset`.

    Raises:
        ValueError: Only some file names have a split prefix.

    Examples:
        >>> pipeline = [dict(type='LoadImageFromFile')]
        >>> data = FER2013('data/fer2013', split='test', pipeline=pipeline)
        >>> data.get_data_info(0)['img_path']  # a row of the table
        'fer2013://...data/fer2013/fer2013.csv/...png'
        >>> data[0]['img'].shape
        (48, 48, 3)
    """

    SPLITS = ('train', 'val', 'test')
    METAINFO = {'dataset_name': 'FER2013', 'classes': expressions.FER2013}
    PUBLISHED = {
        'train': (3995, 436, 4097, 7215, 4830, 3171, 4965),
        'val': (467, 56, 496, 895, 653, 415, 607),
        'test': (491, 55, 528, 879, 594, 416, 626),
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        tables = [root / name for name in _TABLES]
        # The splits are read together, so the source is the folder that holds them.
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
        for usage, sample in read_fer2013_csv(source):
            self._check_usage(usage, f'{sample.origin}: Usage')
            if usage == _USAGE[self.split]:
                yield sample

    def _read_folders(self, source: Path) -> Iterator[Sample]:
        labels = expressions.class_spellings(self.METAINFO['classes'])
        samples = {
            name: list(read_class_folders(folder, labels))
            for name in SPLIT_NAMES
            for folder in split_folders(source, name)
            if folder.is_dir()
        }
        usages = {
            sample.path: Path(sample.path).name.partition('_')[0]
            for sample in chain.from_iterable(samples.values())
        }
        if not set(usages.values()) & set(_USAGE.values()):
            yield from self._of_folder(source, samples)
            return
        for sample in chain.from_iterable(samples.values()):
            usage = usages[sample.path]
            self._check_usage(usage, f'{sample.path}: the prefix of the name')
            if usage == _USAGE[self.split]:
                yield sample

    def _of_folder(
        self, source: Path, samples: Mapping[str, Sequence[Sample]]
    ) -> Sequence[Sample]:
        held_out = [name for name in ('val', 'test') if name in samples]
        if self.split != 'train' and len(held_out) == 1:
            print_log(
                f'The file names below {source} do not tell PublicTest from '
                f'PrivateTest. The {held_out[0]} folder then usually holds both, so '
                f'results on it are not comparable with published ones',
                logger='current',
                level=logging.WARNING,
            )
        return samples.get(self.split, ())

    @staticmethod
    def _check_usage(usage: str, what: str) -> None:
        if usage not in _USAGE.values():
            raise ValueError(
                f'{what} decides the split, so it must be one of '
                f'{", ".join(_USAGE.values())}, got {usage!r}'
            )
