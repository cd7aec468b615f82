"""The layouts of RAF-DB."""

from pathlib import Path

from mmqcs import expressions

from .base import Layout
from .files import write_file

__all__ = ['RAFDBFolders', 'RAFDBLists', 'RAFDBOfficial']

_DIGITS = {'train': 5, 'test': 4}
_IMAGES = 'Image/aligned'


def _stem(split: str, index: int) -> str:
    return f'{split}_{index + 1:0{_DIGITS[split]}d}'


class RAFDBOfficial(Layout):
    """``basic/EmoLabel/list_patition_label.txt`` and ``basic/Image/aligned``."""

    dataset = 'RAF-DB'
    order = expressions.RAF_DB
    first = 1
    tops = ('basic',)

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path('basic') / _IMAGES / f'{_stem(split, index)}_aligned.jpg'

    def write_labels(self, root: Path) -> None:
        """See the base class. The list ends without a newline, as the real one."""
        lines = [
            f'{_stem(split, i)}.jpg {number}'
            for split in self.labels
            for i, number in self.numbers(split)
        ]
        path = root / 'basic/EmoLabel/list_patition_label.txt'
        write_file(path, ['\n'.join(lines).encode()])


class RAFDBLists(RAFDBOfficial):
    """``raf_db_basic_train.txt`` and ``..._test.txt`` beside ``basic``, from 0."""

    first = 0
    tops = ('basic', 'raf_db_basic_train.txt', 'raf_db_basic_test.txt')

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        for split in self.labels:
            lines = (
                f'{self.path(split, i).relative_to("basic").as_posix()} {number}\n'
                for i, number in self.numbers(split)
            )
            write_file(root / f'raf_db_basic_{split}.txt', map(str.encode, lines))


class RAFDBFolders(RAFDBOfficial):
    """Class folders ``train/1`` to ``train/7`` and ``test/1`` to ``test/7``."""

    tops = ('train', 'test')

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        name = f'{_stem(split, index)}_aligned.jpg'
        return Path(split) / str(self.number(split, index)) / name

    def write_labels(self, root: Path) -> None:
        """Nothing: the folders are the labels."""
