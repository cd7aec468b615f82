"""CAER-S."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmqcs.registry import DATASETS

from .class_folders import split_folders
from .fer_dataset import FERDataset
from .label_order import class_spellings
from .layouts import Layout, Sample
from .listings import read_class_folders

_TREE = """\
    CAER-S/                             (or data_root is this folder)
        train/Anger/0001.png            Anger or Angry, Disgust, Fear, Happy,
        test/Anger/0001.png             Neutral, Sad, Surprise
                                        (or "val", "validation" for "test")"""


@DATASETS.register_module()
class CAERS(FERDataset):
    """CAER-S (Lee et al., ICCV 2019): seven classes, frames of television shows.

    The images are whole frames and no face boxes come with them; detect and crop
    the faces first if a model expects faces::

        data_root/
        └── CAER-S/                          (data_root may also be this folder)
            ├── train/<Class>/0001.png           Anger (or Angry), Disgust, Fear,
            └── test/<Class>/0001.png            Happy, Neutral, Sad, Surprise

    Args:
        data_root: Folder that holds ``CAER-S``, or ``CAER-S`` itself.
        split: ``'train'`` or ``'test'``.
        pipeline: Transforms.
        **kwargs: See :class:`.FERDataset`.

    Raises:
        FileNotFoundError: The folder of the split is missing.
        ValueError: A folder is not that of a class.

    Examples:
        >>> data = CAERS('data/caer-s', split='test', label_order='common')
        >>> data.CLASSES
        ('Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger')
    """

    METAINFO = {
        'dataset_name': 'CAER-S',
        'classes': ('Anger', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise'),
    }

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        names = ('train',) if self.split == 'train' else ('test', 'val')
        sources = [
            folder
            for base in (root / 'CAER-S', root)
            for folder in split_folders(base, *names)
        ]
        return (Layout('folders', sources, self._read, _TREE),)

    def _read(self, source: Path) -> Iterator[Sample]:
        return read_class_folders(source, class_spellings(self.METAINFO['classes']))
