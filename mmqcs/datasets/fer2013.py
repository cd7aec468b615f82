"""FER2013."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmqcs.registry import DATASETS

from .fer2013_csv import read_fer2013_csv
from .fer_dataset import FERDataset
from .label_order import class_spellings
from .layouts import Layout, Sample
from .listings import read_class_folders

_USAGE = {'train': 'Training', 'val': 'PublicTest', 'test': 'PrivateTest'}
_FOLDERS = ('train', 'test', 'validation', 'valid', 'val')

_CSV_TREE = """\
    fer2013.csv                   emotion,pixels,Usage"""
_FOLDER_TREE = """\
    train/angry/Training_10118481.jpg       angry, disgust, fear, happy, sad,
    test/angry/PublicTest_10350727.jpg      surprise, neutral; the beginning of the
    test/angry/PrivateTest_10131363.jpg     name, not the folder, is the split"""


@DATASETS.register_module()
class FER2013(FERDataset):
    """FER2013 (Goodfellow et al., 2013): seven classes, 48 × 48 grey images.

    The layouts, in the order in which they are looked for:

    - ``'csv'``: ``fer2013.csv`` (or ``fer2013/fer2013.csv``). The images are read
      out of the table when they are needed, see :class:`.FER2013CSVBackend`.
    - ``'folders'``: class folders below ``train``, ``test`` or ``validation``. The
      file name says which split an image is of: ``Training_``, ``PublicTest_`` or
      ``PrivateTest_``. The usual folder ``test`` mixes the last two.

    Args:
        data_root: Root folder.
        split: ``'train'`` (28,709 images), ``'val'`` (PublicTest, 3,589) or
            ``'test'`` (PrivateTest, 3,589).
        pipeline: Transforms.
        **kwargs: See :class:`.FERDataset`.

    Raises:
        FileNotFoundError: No layout is found.
        ValueError: A row of the table is broken, or a file name does not tell its
            split, or a folder is not that of a class.

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
        tables = [root / 'fer2013.csv', root / 'fer2013' / 'fer2013.csv']
        # The source is the folder that holds the splits: they are read together.
        present = any((root / name).is_dir() for name in _FOLDERS)
        folders = [root] if present else [root / name for name in _FOLDERS]
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
        for folder in (source / name for name in _FOLDERS):
            for sample in read_class_folders(folder, labels) if folder.is_dir() else ():
                usage = Path(sample.path).name.partition('_')[0]
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
