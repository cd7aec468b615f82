"""JAFFE."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FoldedDataset, Layout, Sample
from .readers.coded_names import coded_sources, find_coded_images

_CODES = ('AN', 'DI', 'FE', 'HA', 'NE', 'SA', 'SU')
_NAME = re.compile(
    rf'(?P<subject>[A-Z]{{2}})\.(?P<expression>{"|".join(_CODES)})\d*\.\d+',
    re.IGNORECASE,
)
_TREE = """\
    jaffe/KA.AN1.39.tiff        subject, expression and its number, number of the
                                image; also .tif, .png and .jpg, and in subfolders"""


@DATASETS.register_module()
class JAFFE(FoldedDataset):
    """JAFFE (Lyons et al., 1998): ten subjects with seven posed expressions.

    File names encode subject and expression, ``KA.AN1.39.tiff``, so the images can be
    in any subfolders and in any image format.

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*, see
    :class:`.FoldedDataset`. With the default ten folds, one subject is tested. Each
    data info has its ``subject``, such as ``'KA'``.

    Args:
        data_root: Root folder.
        split: ``'all'`` (213 images), ``'train'`` or ``'test'``.
        pipeline: Transforms.
        **kwargs: ``fold``, ``num_folds`` and the arguments of :class:`.FERDataset`.

    Raises:
        FileNotFoundError: No image with such a name is found.
        ValueError: An image exists twice, or is in the folder of another class.

    Examples:
        >>> data = JAFFE('data/jaffe', split='test', fold=3)
        >>> data.CLASSES
        ('Anger', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')
    """

    METAINFO = {
        'dataset_name': 'JAFFE',
        'classes': expressions.JAFFE,
    }
    PUBLISHED = {'all': (30, 29, 32, 31, 30, 31, 30)}

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        sources = coded_sources(root, ('jaffe', 'jaffedbase'), _NAME)
        return (Layout('names', sources, self._read, _TREE),)

    def _read(self, source: Path) -> Iterator[Sample]:
        classes = self.METAINFO['classes']
        images = list(find_coded_images(source, _NAME, classes, _CODES))
        subjects = [match['subject'].upper() for _, _, match in images]
        wanted = self.groups_of_split(subjects)
        for (file, label, _), subject in zip(images, subjects, strict=True):
            if subject in wanted:
                extra = {'subject': subject}
                yield Sample(str(file), label, str(file), listed=True, extra=extra)
