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
from .readers.class_folders import read_numbered_folders, split_folders
from .readers.folders import companion, locate, undouble
from .readers.listings import read_label_list

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
        data_root: Root folder.
        split: ``'train'`` (287,651 images in eight classes) or ``'val'`` (500 per
            class), on which results are reported.
        pipeline: Transforms.
        **kwargs: See :class:`.FERDataset`; ``num_classes=7`` leaves contempt out.

    Raises:
        FileNotFoundError: No layout is found, or an image is missing.
        ValueError: A table, list or annotation is malformed, a folder does not belong
            to a class, or a split has several lists or folders.

    Examples:
        >>> data = AffectNet('data/affectnet', split='val', num_classes=7)
        >>> data.found.layout.name, len(data.get_data_info(0)['bbox'])
        ('csv', 4)
        >>> data.CLASSES
        ('Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger')
    """

    SPLITS = ('train', 'val')
    METAINFO = {
        'dataset_name': 'AffectNet',
        'classes': expressions.AFFECT_NET,
    }
    PUBLISHED = {
        'train': (74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750),
        'val': (500,) * 8,
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        folder, split = _SET[self.split], _SPLIT[self.split]
        return (
            Layout(
                '2021',
                [root / folder / 'annotations'],
                self._read_annotations,
                _2021_TREE.format(folder=folder),
                f'Unpack {folder} completely',
            ),
            Layout(
                'csv',
                [locate(root, _TABLES) / f'{split}.csv', root / f'{split}.csv'],
                partial(self._read_csv, root),
                _CSV_TREE.format(split=split),
                f'Unpack the images into {_IMAGES}',
            ),
            Layout(
                'list',
                self._lists(root),
                partial(self._read_list, root),
                _LIST_TREE.format(split=split, classes=len(self._target)),
                f'The paths in the list are relative to {_CROPS}/',
            ),
            Layout(
                'folders',
                split_folders(root, *_FOLDERS[self.split]),
                self._read_folders,
                _FOLDER_TREE.format(split=self.split),
            ),
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
        index = index_annotations(source)
        for number, label in zip(index.names, index.labels.tolist(), strict=True):
            path = os.path.join(images, f'{number}.jpg')
            yield Sample(path, label, f'{source}/{number}_exp.npy')

    def _read_csv(self, root: Path, source: Path) -> Iterator[Sample]:
        images = str(companion(source, root, _IMAGES))
        index = index_csv(source)
        boxless = int((index.boxes[:, 2:] == 0).all(axis=1).sum())
        if boxless:
            print_log(
                f'{source}: {boxless:,} of {len(index.names):,} images have no face '
                f'box and are not cropped',
                logger='current',
            )
        for name, label, box, line in zip(
            index.names,
            index.labels.tolist(),
            index.boxes.tolist(),
            index.lines.tolist(),
            strict=True,
        ):
            extra = {'bbox': box} if any(box[2:]) else None
            path = os.path.join(images, name)
            yield Sample(path, label, f'{source} line {line}', extra=extra)

    def _read_list(self, root: Path, source: Path) -> Iterator[Sample]:
        crops = companion(source, root, _CROPS)
        folder = str(crops if crops.is_dir() else root)
        for name, label, origin in read_label_list(source, '1/abc.jpg 0'):
            yield Sample(os.path.join(folder, name), label, origin)

    def _read_folders(self, source: Path) -> Iterator[Sample]:
        classes = self.METAINFO['classes']
        samples = read_numbered_folders(source, 'AffectNet', classes, 0, _LEFT_OUT)
        return (sample for sample in samples if sample.label < len(classes))
