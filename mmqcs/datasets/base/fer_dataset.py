"""What all FER data sets on disk have in common."""

import logging
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets.base_dataset import BaseDataset

from .image_cache import ImageCache
from .label_order import class_map, expression, target_classes
from .layouts import FoundLayout, Layout, Sample, find_layout
from .listings import FolderNames
from .transforms.load_image import LoadImage, check_image_file


class FERDataset(BaseDataset):
    """Base of the FER data sets: reads a split, and fails where it must.

    Subclasses say what classes there are (``METAINFO``) and how the data may lie
    on disk (:meth:`layouts`). The log tells which layout was found and how many
    images each class has; other counts than the published ones are a warning,
    for as long as ``dataset_name`` in the meta information is that of the class.

    A sample that cannot be read is an error that names its file: drawing
    another image in its place, as MMEngine's base class does in training, could
    put an image of the wrong class into a group.

    Args:
        data_root: Root folder.
        split: One of ``SPLITS``. All but ``'train'`` also set the test mode.
        pipeline: Transforms.
        label_order: What the labels stand for: ``'own'``, the data set's own
            order of classes; ``'common'``, that of AffectNet, in which a model
            trained on one data set can be tested on another; or a sequence of
            class names, such as those in the checkpoint of a model. Images of
            classes that are not in it are left out.
        num_classes: 8, or 7 to leave contempt out. Defaults to what the data set
            or the ``label_order`` has.
        layout: Name of the layout to read where several are there. By default
            the first in the order of the documentation of the data set.
        check_files: Whether missing images are an error. If not they stay in the
            data set, and reading them is.
        cache_mib: MiB of shared memory that keep decoded images, 0 for none. Needs
            ``mmqcs.LoadImage`` in the pipeline. What does not fit is read from disk.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``.

    Raises:
        ValueError: An unknown split, order, number of classes or layout, a label
            out of range, no images, or a cache without ``mmqcs.LoadImage``.
        FileNotFoundError: A folder, list or image is missing.
    """

    SPLITS: tuple[str, ...] = ('train', 'test')
    SEVERAL_FACES: bool = False
    """Whether an image can show several faces, told apart by their ``bbox``."""
    PUBLISHED: dict[str, Sequence[int]] = {}
    """Published number of images a class, by split."""

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        pipeline: Sequence = (),
        label_order: str | Sequence[str] = 'own',
        num_classes: int | None = None,
        layout: str | None = None,
        check_files: bool = True,
        cache_mib: int = 0,
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise ValueError(f'split must be one of {self.SPLITS}, got {split!r}')
        self.split = split
        self.layout = layout
        self.check_files = check_files
        own = self.METAINFO['classes']
        self._target = target_classes(own, label_order, num_classes)
        if kwargs.get('classes') is None:
            kwargs['metainfo'] = {
                'classes': self._target,
                **(kwargs.get('metainfo') or {}),
            }
        kwargs.setdefault('test_mode', split != 'train')
        kwargs.setdefault('ann_file', '')
        self.cache_mib = cache_mib
        self.cache: ImageCache | None = None
        super().__init__(data_root=data_root, pipeline=pipeline, **kwargs)
        loads = any(isinstance(t, LoadImage) for t in self.pipeline.transforms)
        if cache_mib and not loads:
            raise ValueError(
                f'cache_mib={cache_mib} needs a pipeline that begins with '
                f"dict(type='mmqcs.LoadImage')"
            )

    def full_init(self) -> None:
        """Reads the list of images and sets up the cache."""
        super().full_init()
        if self.cache_mib and self.cache is None:
            self.cache = ImageCache(len(self), self.cache_mib * 2**20)

    @abstractmethod
    def layouts(self, root: Path) -> Sequence[Layout]:
        """The layouts of ``self.split`` that are looked for, the likeliest first.

        Args:
            root: ``data_root`` as a path.
        """

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """Published number of images a class, or None if there is none.

        Args:
            found: The layout that is read.
        """
        return self.PUBLISHED.get(self.split)

    @property
    def published(self) -> tuple[int, ...] | None:
        """Published number of images of each class in ``CLASSES``, if known."""
        counts = self._published_counts(self.found)
        if counts is None:
            return None
        mapping = class_map(self.METAINFO['classes'], self._target)
        numbers = dict(zip(mapping.tolist(), counts, strict=True))
        return tuple(numbers.get(label, 0) for label in range(len(self._target)))

    def _published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        renamed = self.metainfo['dataset_name'] != self.METAINFO['dataset_name']
        return None if renamed else self.published_counts(found)

    def load_data_list(self) -> list[dict]:
        """Finds the layout and reads the samples."""
        self._check_class_names()
        found = find_layout(
            self.layouts,
            self.METAINFO['dataset_name'],
            self.split,
            self.data_root,
            self.layout,
        )
        self.found = found
        data_list = self._collect(found)
        if not data_list:
            raise ValueError(
                f'{type(self).__name__}: no images of the {self.split} split below '
                f'{self.data_root!r}, read as layout {found.layout.name!r} from '
                f'{found.source}'
            )
        return data_list

    def _collect(self, found: FoundLayout) -> list[dict]:
        own = self.METAINFO['classes']
        mapping = class_map(own, self._target)
        new_labels = mapping.tolist()
        folders = FolderNames()
        counts = np.zeros(len(own), dtype=np.int64)
        missing, first = 0, None
        seen: dict[Any, Sample] = {}
        repeated = []
        data_list = []
        for sample in found.layout.read(found.source):
            if not 0 <= sample.label < len(own):
                raise ValueError(
                    f'{sample.origin}: class {sample.label} (counted from 0) of '
                    f'{sample.path} is not one of the {len(own)} classes '
                    f'{", ".join(own)}'
                )
            path = sample.path if sample.listed else folders.find(sample.path)
            key = path or sample.path
            if self.SEVERAL_FACES:
                key = key, sample.extra['bbox']
            earlier = seen.setdefault(key, sample)
            if earlier.label != sample.label:
                raise ValueError(
                    f'{sample.origin}: {sample.path} is {own[sample.label]}, but '
                    f'{own[earlier.label]} in {earlier.origin}. Remove the wrong one'
                )
            label = new_labels[sample.label]
            if label < 0:
                continue
            if earlier is not sample:
                repeated.append(sample)
            if path is None:
                missing += 1
                first = first or sample
                path = sample.path
            counts[sample.label] += 1
            info = {'img_path': path, 'gt_label': label, **(sample.extra or {})}
            if sample.scores is not None:
                info['gt_score'] = self._soft_label(sample, mapping)
            data_list.append(info)
        if missing and self.check_files:
            total = len(data_list)
            raise FileNotFoundError(
                f'{first.origin} names {Path(first.path).name}, but {first.path} does '
                f'not exist ({missing:,} of {total:,} images of the {self.split} '
                f'split are missing). {found.layout.hint}'
            )
        self._report(found, counts, mapping, repeated)
        return data_list

    def _soft_label(self, sample: Sample, mapping: np.ndarray) -> np.ndarray:
        scores = np.zeros(len(self._target), dtype=np.float32)
        scores[mapping[mapping >= 0]] = sample.scores[mapping >= 0]
        return scores / scores.sum()

    def _report(
        self,
        found: FoundLayout,
        counts: np.ndarray,
        mapping: np.ndarray,
        repeated: Sequence[Sample],
    ) -> None:
        title = f'{self.metainfo["dataset_name"]} {self.split}'
        own = self.METAINFO['classes']

        def text(numbers: Iterable[int]) -> str:
            kept = [(own[i], n) for i, n in enumerate(numbers) if mapping[i] >= 0]
            names = ', '.join(f'{name} {n:,}' for name, n in kept)
            return f'{sum(n for _, n in kept):,} images ({names})'

        others = f'; not used: {", ".join(found.others)}' if found.others else ''
        nested = found.root != Path(self.data_root).expanduser()
        root = f' (taking {found.root} for data_root)' if nested else ''
        print_log(
            f'{title}: layout {found.layout.name!r} at {found.source}{root}, '
            f'{text(counts)}{others}',
            logger='current',
        )
        known = self._published_counts(found)
        published = known is not None and all(
            counts[mapping >= 0] == np.asarray(known)[mapping >= 0]
        )
        if repeated and not published:  # fer2013new.csv has three such rows
            print_log(
                f'{title} has {len(repeated):,} images more than once, such as '
                f'{repeated[0].path} again in {repeated[0].origin}. Each counts',
                logger='current',
                level=logging.WARNING,
            )
        if known is not None and not published:
            print_log(
                f'{title} has {text(counts)}, published are {text(known)}: this is '
                f'a part of the data set or another version of it, so figures cannot '
                f'be compared with published ones',
                logger='current',
                level=logging.WARNING,
            )

    def _check_class_names(self) -> None:
        """Lets users translate class names, not reorder or select by them."""
        given = self.metainfo['classes']
        for name, wanted in zip(given, self._target, strict=False):
            try:
                other = expression(name) != expression(wanted)
            except ValueError:
                continue
            if other:
                raise ValueError(
                    f'classes only gives the classes {", ".join(self._target)} other '
                    f'names, but {name!r} stands where {wanted!r} is. To reorder or '
                    f'to select classes use label_order={tuple(given)}'
                )
        if len(given) != len(self._target):
            raise ValueError(
                f'classes must name all of {", ".join(self._target)}, got '
                f'{", ".join(given)}. To select classes use label_order='
                f'{tuple(given)}'
            )

    def prepare_data(self, idx: int) -> dict:
        """Runs the pipeline on one sample.

        Args:
            idx: Index of the sample.

        Raises:
            RuntimeError: The pipeline failed or gave nothing; names the sample.
        """
        try:
            info = self.get_data_info(idx)
            if self.cache is None:
                check_image_file(info['img_path'])
            else:  # mmqcs.LoadImage checks the files that it reads
                info['image_cache'] = self.cache
            data = self.pipeline(info)
        except Exception as error:
            raise RuntimeError(
                f'{self._name(idx)} cannot be used: {type(error).__name__}: {error}. '
                f'Repair the file, or take it out of the data set'
            ) from error
        if data is None:
            raise RuntimeError(
                f'{self._name(idx)} cannot be used: the pipeline returned None. Repair '
                f'the file, or take it out of the data set'
            )
        return data

    def _name(self, idx: int) -> str:
        path = self.get_data_info(idx)['img_path']
        return f'{type(self).__name__} {self.split} image {idx}, {path},'

    def extra_repr(self) -> list[str]:
        """Lines that ``repr`` adds to those of the base class."""
        return [f'Root of dataset: \t{self.data_root}', f'Split: \t{self.split}']
