"""SynthFER as a dataset that renders its images on access."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import cv2
import numpy as np
from mmengine.fileio import BaseStorageBackend, register_backend
from mmpretrain.datasets.base_dataset import BaseDataset

from mmqcs.registry import DATASETS
from mmqcs.synth import CLASSES, SynthFERSettings, labels, render

_PATH = (
    'synthfer://seed={seed},size={image_size},difficulty={difficulty},'
    'classes={num_classes},imbalanced={imbalanced:d}/{split}/'
)
_PATTERN = re.compile(
    r'synthfer://seed=(\d+),size=(\d+),difficulty=([^,/]+),classes=(\d+),'
    r'imbalanced=([01])/(train|test)/(\d+)(?:-person(\d+))?\.bmp'
)


# force: the module may be imported again
@register_backend('synthfer', prefixes='synthfer', force=True)
class SynthFERBackend(BaseStorageBackend):
    """Storage backend that renders its files on access.

    A path contains the settings, the split and the number of a face, so everything that
    reads images through MMEngine works::

        synthfer://seed=0,size=100,difficulty=0.5,classes=7,imbalanced=0/train/000012.bmp

    ``000012-person000003.bmp`` shows the person of image 3 instead.
    """

    def get(self, filepath: str) -> memoryview:
        """Render an image and return it as a BMP file, which is lossless and fast.

        Raises:
            ValueError: The path has another form, or a setting is out of range.
        """
        match = _PATTERN.fullmatch(str(filepath))
        if match is None:
            example = _PATH.format(**vars(SynthFERSettings()), split='train')
            raise ValueError(
                f'cannot render {str(filepath)!r}: expected a path from '
                f'mmqcs.SynthFER such as {example}000012.bmp'
            )
        *texts, split, index, person = match.groups()
        seed, size, difficulty, classes, imbalanced = texts
        settings = SynthFERSettings(
            int(seed), int(size), float(difficulty), int(classes), imbalanced == '1'
        )
        whom = None if person is None else int(person)
        image = render(settings, split, int(index), person=whom)
        _, code = cv2.imencode('.bmp', image)
        return code.data

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        """Raise a ValueError: this storage has only images."""
        raise ValueError(f'{filepath!r} is an image, not text')


@DATASETS.register_module()
class SynthFER(BaseDataset):
    """Rendered faces whose expressions are set by action units.

    Nothing is read from disk, and images are rendered on access. The entries contain
    paths of :class:`.SynthFERBackend`, so pipelines start with ``LoadImageFromFile``.

    Args:
        split: 'train' or 'test'. The two share no identity.
        num_images: Number of images, at least 1. Defaults to 2100 for train and 700 for
            test.
        start: Index of the first image, which continues the same sequence of images.
        persons: If given, this many persons are shown in turn, each under all
            expressions, and the classes are the persons. Recognising them is a task to
            pretrain a backbone on.
        **kwargs: Arguments of :class:`.SynthFERSettings`, such as ``difficulty``, and
            of :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        ValueError: A setting is out of range.

    Examples:
        >>> data = SynthFER('test', pipeline=[dict(type='LoadImageFromFile')])
        >>> data[0]['img'].shape
        (100, 100, 3)
        >>> SynthFER('train', 6, persons=2).get_gt_labels()
        array([0, 1, 0, 1, 0, 1])
    """

    METAINFO = {'dataset_name': 'SynthFER', 'classes': CLASSES[:7]}

    def __init__(
        self,
        split: str = 'train',
        num_images: int | None = None,
        start: int = 0,
        persons: int | None = None,
        **kwargs: Any,
    ) -> None:
        names = [field.name for field in fields(SynthFERSettings)]
        settings = {name: kwargs.pop(name) for name in names if name in kwargs}
        self.settings = SynthFERSettings(**settings)
        if num_images is None:
            num_images = 2100 if split == 'train' else 700
        if num_images < 1:
            raise ValueError(f'num_images must be at least 1, got {num_images}')
        if start < 0:
            raise ValueError(f'start must be at least 0, got {start}')
        if persons is not None and persons < 2:
            raise ValueError(f'persons must be at least 2, got {persons}')
        self.split = split
        self.num_images = num_images
        self.start = start
        self.persons = persons
        metainfo = kwargs.pop('metainfo', None) or {}
        classes: Sequence[str] = self.settings.classes
        if persons is not None:
            classes = [f'person {i}' for i in range(persons)]
        metainfo = {'classes': classes, **metainfo}
        super().__init__(ann_file='', metainfo=metainfo, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List paths and labels, without rendering."""
        folder = _PATH.format(**vars(self.settings), split=self.split)
        numbers = range(self.start, self.start + self.num_images)
        if self.persons is not None:
            return [
                {
                    'img_path': f'{folder}{i:06d}-person{i % self.persons:06d}.bmp',
                    'gt_label': i % self.persons,
                }
                for i in numbers
            ]
        found = labels(self.settings, self.split, self.num_images, self.start).tolist()
        return [
            {'img_path': f'{folder}{i:06d}.bmp', 'gt_label': label}
            for i, label in zip(numbers, found, strict=True)
        ]

    def get_gt_labels(self) -> np.ndarray:
        """Return the labels of all images, int64 (N,)."""
        return np.asarray(super().get_gt_labels(), dtype=np.int64)

    def extra_repr(self) -> list[str]:
        """Return the lines that describe the dataset."""
        return [f'Split: \t{self.split}', f'Settings: \t{self.settings}']
