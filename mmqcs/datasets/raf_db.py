"""RAF-DB."""

from collections.abc import Iterator
from pathlib import Path

from mmqcs.registry import DATASETS

from .fer_dataset import FERDataset, Sample

_LIST = Path('EmoLabel/list_patition_label.txt')  # misspelt by its authors
_IMAGES = Path('Image/aligned')


@DATASETS.register_module()
class RAFDB(FERDataset):
    """RAF-DB, basic emotions (Li et al., CVPR 2017): seven classes, aligned faces.

    The tree is the one that its authors give out::

        data_root/
        └── basic/                                (data_root may also be this folder)
            ├── EmoLabel/list_patition_label.txt      "train_00001.jpg 5", from 1
            └── Image/aligned/train_00001_aligned.jpg

    Args:
        data_root: Folder that holds ``basic``, or ``basic`` itself.
        split: ``'train'`` (12,271 images) or ``'test'`` (3,068 images).
        pipeline: Transforms.
        **kwargs: See :class:`FERDataset`.

    Raises:
        FileNotFoundError: The list or an image is missing.
        ValueError: A line of the list is not a name and a label from 1 to 7.
    """

    METAINFO = {
        'dataset_name': 'RAF-DB',
        'classes': (
            'Surprise',
            'Fear',
            'Disgust',
            'Happiness',
            'Sadness',
            'Anger',
            'Neutral',
        ),
    }

    def find_samples(self) -> Iterator[Sample]:
        """Reads the list of labels."""
        base = self._base()
        images = base / _IMAGES
        present = {p.name for p in images.iterdir()} if images.is_dir() else set()
        lines = (base / _LIST).read_text(encoding='utf-8-sig').splitlines()
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            origin = f'{base / _LIST} line {number}'
            stem, label = self._parse(line, origin)
            if not stem.startswith(self.split):
                continue
            name = f'{stem}_aligned.jpg'
            if name not in present:
                raise FileNotFoundError(
                    f'{origin} names {stem}.jpg, but {images / name} does not exist. '
                    f'Unpack aligned.zip into {images}'
                )
            yield Sample(str(images / name), label - 1, origin)

    def _base(self) -> Path:
        root = Path(self.data_root)
        for base in (root / 'basic', root):
            if (base / _LIST).is_file():
                return base
        raise FileNotFoundError(
            f'RAF-DB not found: neither {root / "basic" / _LIST} nor {root / _LIST} '
            f'exists. Set data_root to the folder that holds basic/EmoLabel and '
            f'basic/Image'
        )

    @staticmethod
    def _parse(line: str, origin: str) -> tuple[str, int]:
        name, _, label = line.strip().rpartition(' ')
        stem, dot, _ = name.strip().rpartition('.')
        if not dot or not label.isdigit():
            raise ValueError(
                f'{origin}: expected an image name and a label such as '
                f"'train_00001.jpg 5', got {line!r}"
            )
        return stem, int(label)
