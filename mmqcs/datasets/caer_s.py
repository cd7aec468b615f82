"""CAER-S."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FERDataset, Layout, Sample
from .readers.folders import split_folders
from .readers.listings import read_class_folders

_TREE = """\
    CAER-S/                             (or data_root is this folder)
        train/Anger/0001.png            Anger or Angry, Disgust, Fear, Happy,
        test/Anger/0001.png             Neutral, Sad, Surprise
                                        (or "val", "validation" for "test")"""


@DATASETS.register_module()
class CAERS(FERDataset):
    """CAER-S (Lee et al., ICCV 2019): seven classes, frames of television shows.

    The images are whole frames without face boxes. If a model expects faces, detect and
    crop them first. The layout is ``CAER-S/train/Anger/0001.png``; ``CAER-S`` can
    also be the root.

    Examples:
        >>> data = CAERS('data/caer-s', split='test', label_order='common')
        >>> data.CLASSES
        ('Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger')
    """

    METAINFO = {'dataset_name': 'CAER-S', 'classes': expressions.CAER_S}

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
        labels = expressions.class_spellings(self.METAINFO['classes'])
        return read_class_folders(source, labels)
