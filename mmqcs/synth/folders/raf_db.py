"""Writers of RAF-DB."""

from pathlib import Path

from mmqcs import expressions

from .base import FolderWriter, write_file

__all__ = ['RAFDBFolders', 'RAFDBLists', 'RAFDBOfficial']

_DIGITS = {'train': 5, 'test': 4}


def _stem(split: str, index: int) -> str:
    return f'{split}_{index + 1:0{_DIGITS[split]}d}'


class RAFDBOfficial(FolderWriter):
    """``basic/EmoLabel/list_patition_label.txt`` and ``basic/Image/aligned``."""

    dataset = 'RAF-DB'
    order = expressions.RAF_DB
    first = 1
    tops = ('basic',)

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path('basic/Image/aligned') / f'{_stem(split, index)}_aligned.jpg'

    def write_labels(self, root: Path) -> None:
        """Write the list, which has no final newline, like the original."""
        lines = [
            f'{_stem(split, i)}.jpg {number}'
            for split in self.labels
            for i, number in self.numbers(split)
        ]
        path = root / 'basic/EmoLabel/list_patition_label.txt'
        write_file(path, ['\n'.join(lines).encode()])


class RAFDBLists(RAFDBOfficial):
    """``raf_db_basic_train.txt`` and ``..._test.txt`` next to ``basic``; from 0."""

    first = 0
    tops = ('basic', 'raf_db_basic_train.txt', 'raf_db_basic_test.txt')

    def listed(self, split: str, index: int) -> str:
        """Return the path below ``basic``."""
        return self.path(split, index).relative_to('basic').as_posix()

    def write_labels(self, root: Path) -> None:
        """Write one list per split."""
        for split in self.labels:
            self.write_list(root / f'raf_db_basic_{split}.txt', split)


class RAFDBFolders(RAFDBOfficial):
    """Class folders ``train/1`` to ``train/7`` and ``test/1`` to ``test/7``."""

    tops = ('train', 'test')

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        name = f'{_stem(split, index)}_aligned.jpg'
        return Path(split) / str(self.number(split, index)) / name

    def write_labels(self, root: Path) -> None:
        """Write nothing: the folders are the labels."""
