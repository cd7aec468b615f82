"""AffectNet."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mmengine.logging import print_log

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FERDataset, FoundLayout, Layout, Sample
from .readers.affect_net_index import index_annotations, index_csv
from .readers.folders import (
    companion,
    locate,
    read_numbered_folders,
    split_folders,
    undouble,
)
from .readers.listings import read_image_list

_SET = {'train': 'train_set', 'val': 'val_set'}
_SPLIT = {'train': 'training', 'val': 'validation'}
_FOLDERS = {'train': ('train',), 'val': ('val', 'test')}
_TABLES = 'Manually_Annotated_file_lists'
_IMAGES = 'Manually_Annotated_Images'
_CROPS = 'Manually_trainval_croped'  # the authors' spelling
_LEFT_OUT = ('None', 'Uncertain', 'No-Face')

_2021_TREE = """\
    {folder}/images/0.jpg
    {folder}/annotations/0_exp.npy"""
_CSV_TREE = """\
    Manually_Annotated_file_lists/{split}.csv       subDirectory_filePath,face_x,...
    Manually_Annotated_Images/1/abc.jpg             (also in Manually_Annotated/)"""
_LIST_TREE = """\
    affectnet_{split}-cls{classes}*.txt             "1/abc.jpg 0", 0 to 7
    Manually_trainval_croped/1/abc.jpg"""
_FOLDER_TREE = """\
    {split}/0/*.jpg ... {split}/7/*.jpg     0 Neutral, 1 Happy, 2 Sad, 3 Surprise,
                                        4 Fear, 5 Disgust, 6 Anger, 7 Contempt, or
                                        names ("valid", "test" for "val")"""


@DATASETS.register_module()
class AffectNet(FERDataset):
    """AffectNet (Mollahosseini et al., 2017): eight classes, or seven without contempt.

    The layouts are ``'2021'``, ``'csv'``, ``'list'`` and ``'folders'``, in this order
    of precedence; the documentation page "Datasets" shows them. With ``'csv'``, each
    image has a face box (``bbox``) for the transform :class:`CropFace`, except images
    whose box is NULL. Images without one of the eight expressions (8 None, 9 Uncertain,
    10 No-Face) are left out. An index of the tables and annotations is cached in
    :func:`.cache_dir` until they change.

    Args:
        split: ``'train'`` (287,651 images in eight classes) or ``'val'`` (500 per
            class), on which results are reported.
        **kwargs: See :class:`.FERDataset`; ``num_classes=7`` leaves contempt out.

    Raises:
        ValueError: A split has several lists.

    Examples:
        >>> data = AffectNet('data/affectnet', split='val', num_classes=7)
        >>> data.found.layout.name, len(data.get_data_info(0)['bbox'])
        ('csv', 4)
    """

    SPLITS = ('train', 'val')
    METAINFO = {'dataset_name': 'AffectNet', 'classes': expressions.AFFECT_NET}
    PUBLISHED = {
        'train': (74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750),
        'val': (500,) * 8,
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        folder, split = _SET[self.split], _SPLIT[self.split]
        tables = [locate(root, _TABLES) / f'{split}.csv', root / f'{split}.csv']
        trees = [
            tree.format(folder=folder, split=split, classes=len(self._target))
            for tree in (_2021_TREE, _CSV_TREE, _LIST_TREE)
        ]
        hints = (
            f'Unpack {folder} completely',
            f'Unpack the images into {_IMAGES}',
            f'The paths in the list are relative to {_CROPS}/',
        )
        read_csv = partial(self._read_csv, root)
        read_list = partial(self._read_list, root)
        folders = split_folders(root, *_FOLDERS[self.split])
        tree = _FOLDER_TREE.format(split=self.split)
        annotations = [root / folder / 'annotations']
        return (
            Layout('2021', annotations, self._read_annotations, trees[0], hints[0]),
            Layout('csv', tables, read_csv, trees[1], hints[1]),
            Layout('list', self._lists(root), read_list, trees[2], hints[2]),
            Layout('folders', folders, self._read_folders, tree),
        )

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class."""
        if (self.split, found.layout.name) == ('val', '2021'):
            return (*(500,) * 7, 499)  # that release has 3,999
        return super().published_counts(found)

    def _lists(self, root: Path) -> list[Path]:
        """Return the list of the selected classes, and the one of all classes."""
        sizes = dict.fromkeys((8 if 'Contempt' in self._target else 7, 8))
        lists = []
        for size in sizes:
            pattern = f'affectnet_{_SPLIT[self.split]}-cls{size}*.txt'
            matches = sorted(root.glob(pattern))
            if len(matches) > 1:
                raise ValueError(
                    f'several lists match {root / pattern}: '
                    f'{", ".join(path.name for path in matches)}. Keep one'
                )
            lists += matches or [root / pattern]
        return lists

    def _read_annotations(self, source: Path) -> Iterator[Sample]:
        images = undouble(source.parent / 'images')
        for entry in index_annotations(source):
            path = os.path.join(images, f'{entry.name}.jpg')
            yield Sample(path, entry.label, f'{source}/{entry.name}_exp.npy')

    def _read_csv(self, root: Path, source: Path) -> Iterator[Sample]:
        images = str(companion(source, root, _IMAGES))
        index = index_csv(source)
        boxless = sum(entry.box is None for entry in index)
        if boxless:
            print_log(
                f'{source}: {boxless:,} of {len(index):,} images have no face box and '
                f'are not cropped',
                logger='current',
            )
        for name, label, box, line in index:
            extra = {'bbox': tuple(box)} if box else {}
            path = os.path.join(images, name)
            yield Sample(path, label, f'{source} line {line}', extra=extra)

    def _read_list(self, root: Path, source: Path) -> Iterator[Sample]:
        return read_image_list(source, companion(source, root, _CROPS), '1/abc.jpg 0')

    def _read_folders(self, source: Path) -> Iterator[Sample]:
        classes = self.METAINFO['classes']
        samples = read_numbered_folders(source, 'AffectNet', classes, 0, _LEFT_OUT)
        return (sample for sample in samples if sample.label < len(classes))
