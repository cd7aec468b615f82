"""Base of the FER datasets on disk."""

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose
from mmengine.logging import print_log
from mmpretrain.datasets.base_dataset import BaseDataset

from mmqcs.datasets.readers.listings import Sample
from mmqcs.datasets.readers.text_files import check_image_file
from mmqcs.expressions import class_map, expression, target_classes

from .collect import collect
from .held_out import HeldOut
from .image_cache import ImageCache
from .label_noise import LabelNoise
from .layouts import FoundLayout, Layout, find_layout


class FERDataset(BaseDataset):
    """Base of the FER datasets. It reads a split strictly.

    Subclasses define the classes (``METAINFO``) and the possible directory layouts
    (:meth:`layouts`). The log names the layout and the number of images per class. A
    warning follows if the counts differ from the published ones, unless the meta
    information gives the dataset another ``dataset_name``.

    A sample that cannot be read is an error that names its file. MMEngine's base class
    would replace it by a random image, which could put a wrong class into a group.

    Args:
        data_root: Root folder.
        split: One of ``SPLITS``. Every split except ``'train'`` sets the test mode.
        pipeline: Transforms.
        label_order: Meaning of the labels: ``'own'``, the dataset's own class order;
            ``'common'``, AffectNet's order, in which a model trained on one dataset
            can be tested on another; or a sequence of class names, such as those in a
            checkpoint. Images of other classes are left out.
        num_classes: 8, or 7 to leave contempt out. By default the number of classes of
            the dataset or of ``label_order``.
        layout: Name of the layout to read. By default the first one found, in the order
            of the dataset's documentation.
        check_files: Whether missing images are an error. If False, they stay in the
            dataset, and only reading them is an error.
        cache_mib: Shared memory for decoded images in MiB; 0 disables the cache. Images
            that do not fit are read from disk. It serves pipelines that start with
            ``LoadImageFromFile``.
        val_fraction: Share of the training split that is held out for validation, from
            0 to 1: whole subjects if the dataset knows them, otherwise images of each
            class. ``metainfo['held_out']`` records the choice.
        held_out: Whether to read the part that is held out, in test mode, instead of
            the rest.
        val_seed: Another seed holds out others. The seed of a run has no influence.
        label_noise: Arguments of :class:`.LabelNoise`, such as ``dict(rate=0.2)``: a
            share of the training labels is replaced by wrong ones.
            ``metainfo['label_noise']`` records how many.
        **kwargs: Other arguments of mmpretrain's ``BaseDataset``.

    Raises:
        ValueError: Unknown split, order, number of classes or layout; a label out of
            range; no images; ``val_fraction`` with another split than ``'train'``, or
            for a dataset that has its own validation and test splits; ``label_noise``
            that does not fit, or that is set for images that validate or test.
        FileNotFoundError: A folder, list or image is missing.
    """

    SPLITS: tuple[str, ...] = ('train', 'test')
    SEVERAL_FACES: bool = False
    """Whether an image can show several faces, each with a ``bbox``."""
    PUBLISHED: dict[str, Sequence[int]] = {}
    """Published number of images per class, for each split."""

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
        val_fraction: float = 0.0,
        held_out: bool = False,
        val_seed: int = 0,
        label_noise: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise ValueError(f'split must be one of {self.SPLITS}, got {split!r}')
        self._held_out = HeldOut(val_fraction, held_out, val_seed)
        self._held_out.check_split(type(self).__name__, split, self.SPLITS)
        self.split = split
        self.layout = layout
        self.label_noise = None if label_noise is None else LabelNoise(**label_noise)
        if self.label_noise is not None and (split != 'train' or held_out):
            part = 'its held-out part' if held_out else f'the split {split!r}'
            raise ValueError(
                f"label_noise is only for the split 'train', so that models are "
                f'evaluated on right labels, got {part}'
            )
        self.check_files = check_files
        # images of classes that the labels do not refer to, by own class name
        self.left_out: Counter[str] = Counter()
        own = self.METAINFO['classes']
        self._target = target_classes(own, label_order, num_classes)
        if kwargs.get('classes') is None:
            metainfo = kwargs.get('metainfo') or {}
            kwargs['metainfo'] = {'classes': self._target, **metainfo}
        kwargs.setdefault('test_mode', split != 'train' or held_out)
        kwargs.setdefault('ann_file', '')
        self.cache_mib = cache_mib
        self.cache: ImageCache | None = None
        super().__init__(data_root=data_root, pipeline=pipeline, **kwargs)

    def full_init(self) -> None:
        """Read the list of images and set up the cache."""
        super().full_init()
        if self.cache_mib and self.cache is None:
            self.cache = ImageCache(len(self), self.cache_mib * 2**20)

    @abstractmethod
    def layouts(self, root: Path) -> Sequence[Layout]:
        """Return the possible layouts of ``self.split`` below a root.

        Earlier layouts take precedence.
        """

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """Return the published number of images per class in a layout, if known."""
        return self.PUBLISHED.get(self.split)

    @property
    def published(self) -> tuple[int, ...] | None:
        """Published number of images for each class in ``CLASSES``, if known."""
        counts = self.published_counts(self.found)
        renamed = self.metainfo['dataset_name'] != self.METAINFO['dataset_name']
        if renamed or counts is None:
            return None
        mapping = class_map(self.METAINFO['classes'], self._target)
        numbers = dict(zip(mapping.tolist(), counts, strict=True))
        return tuple(numbers.get(label, 0) for label in range(len(self._target)))

    def load_data_list(self) -> list[dict]:
        """Find the layout and read the samples."""
        self._check_class_names()
        name = self.METAINFO['dataset_name']
        found = find_layout(self.layouts, name, self.split, self.data_root, self.layout)
        self.found = found
        own, labels = self.METAINFO['classes'], self._target
        data_list, missing, self.left_out, repeated = collect(
            found.layout.read(found.source),
            own,
            class_map(own, labels),
            len(labels),
            self.SEVERAL_FACES,
        )
        if missing and self.check_files:
            raise FileNotFoundError(
                f'{missing[0].origin} names {Path(missing[0].path).name}, but '
                f'{missing[0].path} does not exist ({len(missing):,} of '
                f'{len(data_list):,} images of the {self.split} split are missing). '
                f'{found.layout.hint}'
            )
        self._log_counts(data_list, repeated)
        if not data_list:
            raise ValueError(
                f'{type(self).__name__}: no images of the {self.split} split below '
                f'{self.data_root!r}, read as layout {found.layout.name!r} from '
                f'{found.source}'
            )
        return self._part(data_list) if self._held_out.fraction else data_list

    def _part(self, data_list: list[dict]) -> list[dict]:
        """Divide the training split, and log and record how."""
        part, record = self._held_out.divide(
            data_list, self.found.root, self.SEVERAL_FACES
        )
        self._metainfo['held_out'] = record
        what = 'the held-out part' if self._held_out.validates else 'the rest'
        print_log(
            f'{self.metainfo["dataset_name"]} {self.split}: {record["images"]:,} of '
            f'{record["of"]:,} images are held out for validation, chosen by '
            f'{record["by"]} (val_fraction={record["fraction"]}, '
            f'val_seed={record["seed"]}). This is {what}: '
            f'{self._counts_text(self._class_counts(part))}',
            logger='current',
        )
        return part

    def _class_counts(self, data_list: list[dict]) -> tuple[int, ...]:
        labels = np.array([info['gt_label'] for info in data_list], dtype=np.int64)
        return tuple(np.bincount(labels, minlength=len(self._target)).tolist())

    def _counts_text(self, numbers: Sequence[int]) -> str:
        named = zip(self._target, numbers, strict=True)
        classes = ', '.join(f'{name} {number:,}' for name, number in named)
        return f'{sum(numbers):,} images ({classes})'

    def filter_data(self) -> list[dict]:
        """Filter the images, then flip labels if ``label_noise`` is set."""
        data_list = super().filter_data()
        if self.label_noise is not None:
            record = self.label_noise.apply(data_list, self._target)
            self._metainfo['label_noise'] = record
            print_log(
                f'{self.metainfo["dataset_name"]} {self.split}: label noise replaces '
                f'{np.sum(record["flips"]):,} of {len(data_list):,} labels by wrong '
                f'ones (rate={record["rate"]}, seed={record["seed"]})',
                logger='current',
            )
        return data_list

    def _log_counts(self, data_list: list[dict], repeated: list[Sample]) -> None:
        """Log layout and class counts, and warn if they are not the published ones."""
        found, published = self.found, self.published
        text, counts = self._counts_text, self._class_counts(data_list)
        title = f'{self.metainfo["dataset_name"]} {self.split}'
        others = f'; not used: {", ".join(found.others)}' if found.others else ''
        nested = found.root != Path(self.data_root).expanduser()
        root = f' (using {found.root} as data_root)' if nested else ''
        print_log(
            f'{title}: layout {found.layout.name!r} at {found.source}{root}, '
            f'{text(counts)}{others}',
            logger='current',
        )
        warnings = []
        if repeated and counts != published:  # fer2013new.csv has three such rows
            warnings.append(
                f'{title} lists {len(repeated):,} images more than once, such as '
                f'{repeated[0].path}, again in {repeated[0].origin}. Each entry counts'
            )
        if published not in (None, counts):
            warnings.append(
                f'{title} has {text(counts)}, but the published dataset has '
                f'{text(published)}. This is a part or another version of it, so '
                f'results are not comparable with published ones'
            )
        for warning in warnings:
            print_log(warning, logger='current', level=logging.WARNING)

    def _check_class_names(self) -> None:
        """Check that ``classes`` only renames classes, without reordering them."""
        given = tuple(self.metainfo['classes'])

        def differs(name: str, wanted: str) -> bool:
            with suppress(ValueError):  # a translation
                return expression(name) != expression(wanted)
            return False

        if len(given) != len(self._target) or any(map(differs, given, self._target)):
            raise ValueError(
                f'classes only renames the classes {", ".join(self._target)}, got '
                f'{", ".join(given)}. To reorder or select classes, set '
                f'label_order={given}'
            )

    def prepare_data(self, idx: int) -> dict:
        """Run the pipeline on one sample; raise a RuntimeError that names it."""
        try:
            data = self._run_pipeline(self.get_data_info(idx))
            if data is None:
                raise ValueError('the pipeline returned None')
        except Exception as error:
            path = self.get_data_info(idx)['img_path']
            raise RuntimeError(
                f'{type(self).__name__} {self.split} image {idx}, {path}, cannot be '
                f'used: {type(error).__name__}: {error}. Repair the file, or remove it '
                f'from the dataset'
            ) from error
        return data

    def _run_pipeline(self, data: dict) -> dict | None:
        load, *rest = self.pipeline.transforms or (None,)
        # A program that replaced the pipeline wants to see every step of it.
        cache = self.cache if type(self.pipeline) is Compose else None
        if cache is None or not isinstance(load, LoadImageFromFile):
            check_image_file(data['img_path'])
            return self.pipeline(data)
        index = data['sample_idx']
        image = cache.get(index)
        if image is None:
            check_image_file(data['img_path'])
            data = load(data)
            if data is not None:
                cache.put(index, data['img'])
        else:
            data['img'] = image
            data['img_shape'] = data['ori_shape'] = image.shape[:2]
        for transform in rest:
            if data is not None:
                data = transform(data)
        return data

    def extra_repr(self) -> list[str]:
        """Return the lines that ``repr`` adds to those of the base class."""
        part = ', the held-out part' if self._held_out.validates else ''
        return [f'Root of dataset: \t{self.data_root}', f'Split: \t{self.split}{part}']
