"""JAFFE."""

import re

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import CodedDataset


@DATASETS.register_module()
class JAFFE(CodedDataset):
    """JAFFE (Lyons et al., 1998): ten subjects with seven posed expressions.

    File names encode subject and expression, ``KA.AN1.39.tiff``, so the images can be
    in any subfolders and in any image format.

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*, see
    :class:`.FoldedDataset`. With the default ten folds, one subject is tested. Each
    data info has its ``subject``, such as ``'KA'``. ``'all'`` has 213 images.

    Arguments and errors are those of :class:`.CodedDataset`.

    Examples:
        >>> data = JAFFE('data/jaffe', split='test', fold=3)
        >>> data.CLASSES
        ('Anger', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')
    """

    METAINFO = {'dataset_name': 'JAFFE', 'classes': expressions.JAFFE}
    PUBLISHED = {'all': (30, 29, 32, 31, 30, 31, 30)}
    CODES = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')
    NAME = re.compile(
        rf'(?P<subject>[A-Z]{{2}})\.(?P<expression>{"|".join(CODES)})\d*\.\d+', re.I
    )
    FOLDERS = ('jaffe', 'jaffedbase')
    TREE = """\
    jaffe/KA.AN1.39.tiff        subject, expression and its number, number of the
                                image; also .tif, .png and .jpg, and in subfolders"""
