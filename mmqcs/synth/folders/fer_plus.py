"""Writers of FERPlus."""

from pathlib import Path

from mmqcs import expressions

from .base import write_csv
from .fer2013 import USAGE, FER2013Images

__all__ = ['FERPlusLabelTables', 'FERPlusLists', 'FERPlusTable']

_FOLDERS = {'train': 'FER2013Train', 'test': 'FER2013Test'}


class FERPlusTable(FER2013Images):
    """``FER2013Train/fer0000000.png``, and votes in ``fer2013new.csv``."""

    dataset = 'FERPlus'
    order = expressions.FER_PLUS
    tops = (*_FOLDERS.values(), 'fer2013new.csv')

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path(_FOLDERS[split]) / self.listed(split, index)

    def listed(self, split: str, index: int) -> str:
        """Return the name of a face; numbers continue across the splits."""
        first = len(self.labels['train']) if split == 'test' else 0
        return f'fer{first + index:07d}.png'

    def votes(self, number: int) -> list[int]:
        """Return the votes for the eight classes, unknown, and not a face.

        The class gets eight votes and the next class two, so that the majority rule and
        soft labels give different targets.
        """
        votes = [0] * 10
        votes[number] = 8
        votes[(number + 1) % 8] = 2
        return votes

    def write_labels(self, root: Path) -> None:
        """Write the table of votes."""
        names = [name.lower() for name in self.order]
        rows = [['Usage', 'Image name', *names, 'unknown', 'NF']]
        for split in self.labels:
            for i, number in self.numbers(split):
                rows.append([USAGE[split], self.listed(split, i), *self.votes(number)])
        write_csv(root / 'fer2013new.csv', rows)


class FERPlusLabelTables(FERPlusTable):
    """``FER2013Train/fer0000000.png``, and votes in ``FER2013Train/label.csv``."""

    tops = tuple(_FOLDERS.values())

    def write_labels(self, root: Path) -> None:
        """Write one table without a header per split; boxes are the whole image."""
        for split, folder in _FOLDERS.items():
            rows = (
                [self.listed(split, i), '(0, 0, 48, 48)', *self.votes(number)]
                for i, number in self.numbers(split)
            )
            write_csv(root / folder / 'label.csv', rows)


class FERPlusLists(FERPlusTable):
    """All images in ``img``; ``ferplus_training.txt`` and ``ferplus_test.txt``."""

    lists = {'train': 'ferplus_training.txt', 'test': 'ferplus_test.txt'}
    tops = ('img', *lists.values())

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        return Path('img') / self.listed(split, index)

    def write_labels(self, root: Path) -> None:
        """Write one list per split."""
        for split, name in self.lists.items():
            self.write_list(root / name, split)
