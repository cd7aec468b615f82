"""The layouts of FERPlus."""

from pathlib import Path

from mmqcs import expressions

from .fer2013 import USAGE, FER2013Images
from .files import write_csv, write_file

__all__ = ['FERPlusLabelTables', 'FERPlusLists', 'FERPlusTable']

_FOLDERS = {'train': 'FER2013Train', 'test': 'FER2013Test'}


class FERPlusTable(FER2013Images):
    """``FER2013Train/fer0000000.png`` and votes in ``fer2013new.csv``."""

    dataset = 'FERPlus'
    order = expressions.FER_PLUS
    tops = (*_FOLDERS.values(), 'fer2013new.csv')

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path(_FOLDERS[split]) / self.name(split, index)

    def name(self, split: str, index: int) -> str:
        """Name of an image; they are numbered through all splits."""
        first = len(self.labels['train']) if split == 'test' else 0
        return f'fer{first + index:07d}.png'

    def votes(self, number: int) -> list[int]:
        """Votes for the eight classes, unknown, and not a face.

        Eight for the class and two for the next one: what the majority rule and
        soft labels make of them differs.
        """
        votes = [0] * 10
        votes[number] = 8
        votes[(number + 1) % 8] = 2
        return votes

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        names = [name.lower() for name in self.order]
        rows = [['Usage', 'Image name', *names, 'unknown', 'NF']]
        for split in self.labels:
            for i, number in self.numbers(split):
                rows.append([USAGE[split], self.name(split, i), *self.votes(number)])
        write_csv(root / 'fer2013new.csv', rows)


class FERPlusLabelTables(FERPlusTable):
    """``FER2013Train/fer0000000.png`` and votes in ``FER2013Train/label.csv``."""

    tops = tuple(_FOLDERS.values())

    def write_labels(self, root: Path) -> None:
        """See the base class. The tables have no header; the face is all of it."""
        for split, folder in _FOLDERS.items():
            rows = (
                [self.name(split, i), '(0, 0, 48, 48)', *self.votes(number)]
                for i, number in self.numbers(split)
            )
            write_csv(root / folder / 'label.csv', rows)


class FERPlusLists(FERPlusTable):
    """All images in ``img``; ``ferplus_training.txt`` and ``ferplus_test.txt``."""

    lists = {'train': 'ferplus_training.txt', 'test': 'ferplus_test.txt'}
    tops = ('img', *lists.values())

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        return Path('img') / self.name(split, index)

    def write_labels(self, root: Path) -> None:
        """See the base class."""
        for split, file in self.lists.items():
            lines = (
                f'{self.name(split, i)} {number}\n' for i, number in self.numbers(split)
            )
            write_file(root / file, map(str.encode, lines))
