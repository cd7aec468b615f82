"""SynthFER as a dataset that renders its images on access."""

import re

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
    r'imbalanced=([01])/(train|test)/(\d+)\.bmp'
)


# force: the module may be imported again
@register_backend('synthfer', prefixes='synthfer', force=True)
class SynthFERBackend(BaseStorageBackend):
    """Storage backend that renders its files on access.

    A path contains the settings, the split and the number of a face, so everything that
    reads images through MMEngine works::

        synthfer://seed=0,size=100,difficulty=0.5,classes=7,imbalanced=0/train/000012.bmp
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
        seed, size, difficulty, classes, imbalanced, split, index = match.groups()
        settings = SynthFERSettings(
            seed=int(seed),
            image_size=int(size),
            difficulty=float(difficulty),
            num_classes=int(classes),
            imbalanced=imbalanced == '1',
        )
        _, code = cv2.imencode('.bmp', render(settings, split, int(index)))
        return memoryview(code)

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
        seed: Seed of the dataset. Defaults to 0.
        image_size: Side of the images in pixels. Defaults to 100.
        difficulty: From 0 (easy) to 1 (hard). Defaults to 0.5.
        num_classes: 7, or 8 with contempt. Defaults to 7.
        imbalanced: Whether the class frequencies are those of RAF-DB instead of equal.
            Defaults to False.
        **kwargs: Arguments of :class:`mmpretrain.datasets.BaseDataset`, such as
            pipeline, test_mode, metainfo and indices.

    Raises:
        ValueError: A setting is out of range.

    Examples:
        >>> from mmqcs.datasets import SynthFER
        >>> data = SynthFER('test', pipeline=[dict(type='LoadImageFromFile')])
        >>> data[0]['img'].shape
        (100, 100, 3)
    """

    METAINFO = {'dataset_name': 'SynthFER', 'classes': CLASSES[:7]}

    def __init__(
        self,
        split: str = 'train',
        num_images: int | None = None,
        seed: int = 0,
        image_size: int = 100,
        difficulty: float = 0.5,
        num_classes: int = 7,
        imbalanced: bool = False,
        **kwargs: object,
    ) -> None:
        self.settings = SynthFERSettings(
            seed=seed,
            image_size=image_size,
            difficulty=difficulty,
            num_classes=num_classes,
            imbalanced=imbalanced,
        )
        if split not in ('train', 'test'):
            raise ValueError(f"split must be 'train' or 'test', got {split!r}")
        if num_images is None:
            num_images = 2100 if split == 'train' else 700
        if num_images < 1:
            raise ValueError(f'num_images must be at least 1, got {num_images}')
        self.split = split
        self.num_images = num_images
        metainfo = kwargs.pop('metainfo', None) or {}
        metainfo = {'classes': self.settings.classes, **metainfo}
        super().__init__(ann_file='', metainfo=metainfo, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List paths and labels, without rendering."""
        folder = _PATH.format(**vars(self.settings), split=self.split)
        found = labels(self.settings, self.split, self.num_images).tolist()
        return [
            {'img_path': f'{folder}{i:06d}.bmp', 'gt_label': label}
            for i, label in enumerate(found)
        ]

    def get_gt_labels(self) -> np.ndarray:
        """Return the labels of all images, int64 (N,)."""
        return np.asarray(super().get_gt_labels(), dtype=np.int64)

    def extra_repr(self) -> list[str]:
        """Return the lines that describe the dataset."""
        return [f'Split: \t{self.split}', f'Settings: \t{self.settings}']
