"""RAF-DB."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FERDataset, Layout, Sample
from .readers.folders import read_numbered_folders, split_folders, undouble
from .readers.listings import read_image_list, read_label_list

_LIST = 'EmoLabel/list_patition_label.txt'  # the authors' spelling
_IMAGES = 'Image/aligned'

_OFFICIAL = """\
    basic/                                          (or data_root is this folder)
        EmoLabel/list_patition_label.txt            "train_00001.jpg 5", 1 to 7
        Image/aligned/train_00001_aligned.jpg"""
_PATHS = """\
    raf_db_basic_{split}.txt      "Image/aligned/train_00001_aligned.jpg 4", 0 to 6
    basic/Image/aligned/train_00001_aligned.jpg"""
_FOLDERS = """\
    train/1/*.jpg ... train/7/*.jpg     1 Surprise, 2 Fear, 3 Disgust, 4 Happiness,
    test/1/*.jpg ... test/7/*.jpg       5 Sadness, 6 Anger, 7 Neutral, or names
                                        (or "val", "valid" for "test")"""


@DATASETS.register_module()
class RAFDB(FERDataset):
    """RAF-DB, basic emotions (Li et al., CVPR 2017): seven classes, aligned faces.

    The layouts are ``'official'`` (the release of the authors), ``'paths'`` and
    ``'folders'``, in this order of precedence; the documentation page "Datasets" shows
    them.

    Args:
        data_root: ``basic``, the folder that holds ``basic`` or ``train`` and
            ``test``, or a folder up to two levels above.
        split: ``'train'`` (12,271 images) or ``'test'`` (3,068 images).
        **kwargs: See :class:`.FERDataset`.

    Examples:
        >>> pipeline = [dict(type='LoadImageFromFile')]
        >>> data = RAFDB('data/raf-db', split='test', pipeline=pipeline)
        >>> data.CLASSES
        ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
        >>> data.found.layout.name
        'official'
    """

    METAINFO = {'dataset_name': 'RAF-DB', 'classes': expressions.RAF_DB}
    PUBLISHED = {
        'train': (1290, 281, 717, 4772, 1982, 705, 2524),
        'test': (329, 74, 160, 1185, 478, 162, 680),
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        bases = (root, root / 'basic')
        names = ('train',) if self.split == 'train' else ('test', 'val')
        lists = [base / _LIST for base in reversed(bases)]
        paths = [root / f'raf_db_basic_{self.split}.txt']
        folders = [path for base in bases for path in split_folders(base, *names)]
        tree = _PATHS.format(split=self.split)
        unpack = f'Unpack aligned.zip into {_IMAGES}'
        relative = 'The paths in the list are relative to basic/'
        return (
            Layout('official', lists, self._read_official, _OFFICIAL, unpack),
            Layout('paths', paths, self._read_paths, tree, relative),
            Layout('folders', folders, self._read_folders, _FOLDERS),
        )

    def _read_official(self, source: Path) -> Iterator[Sample]:
        images = str(undouble(source.parents[1] / _IMAGES))
        lines = read_label_list(source, 'train_00001.jpg 5', 1, 7)
        for name, number, origin in lines:
            if not name.startswith(('train', 'test')):
                raise ValueError(
                    f'{origin}: {name!r} starts with neither train nor test, so its '
                    f'split is unknown'
                )
            if name.startswith(self.split):
                stem, extension = os.path.splitext(name)
                file = f'{stem.removesuffix("_aligned")}_aligned{extension}'
                yield Sample(os.path.join(images, file), number - 1, origin)

    def _read_paths(self, source: Path) -> Iterator[Sample]:
        example = 'Image/aligned/train_00001_aligned.jpg 4'
        return read_image_list(source, source.parent / 'basic', example)

    def _read_folders(self, source: Path) -> Iterator[Sample]:
        return read_numbered_folders(source, 'RAF-DB', self.METAINFO['classes'], 1)
