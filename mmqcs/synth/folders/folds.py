"""Base of the writers for datasets with folds instead of an official split."""

from mmqcs.synth.synth_fer import SynthFERSettings

from .base import FolderWriter, Labels

__all__ = ['FoldedWriter']

_FOLDS = 10


class FoldedWriter(FolderWriter):
    """Base of the writers whose datasets divide groups of images into ten folds.

    A group is a subject, or an image with several faces. Every tenth group belongs to
    the same fold. The test split of SynthFER becomes the first fold: groups 0, 10, 20
    and so on. All other groups hold the training split. This takes nine training groups
    per test group, so the larger split gets several faces per group, each of another
    person. No person is in two groups, so the other folds divide the faces by person as
    well.

    Attributes:
        max_tested: Maximum number of test groups, or None.
        digits: Minimum number of digits in the number of a group.
    """

    max_tested: int | None = None
    digits = 3

    def __init__(self, labels: Labels, settings: SynthFERSettings) -> None:
        super().__init__(labels, settings)
        train, test = len(labels['train']), len(labels['test'])
        others = _FOLDS - 1
        most = self.max_tested or train + test
        tested = min(test, train // others + 1, most)
        # without a test split, each face is a group
        trained = min(train, others * (tested or most))
        self.num_groups = {'train': trained, 'test': tested}
        # of equal width, because the readers sort groups by name
        highest = _FOLDS * max(tested, -(-trained // others)) - 1
        self.digits = max(self.digits, len(str(highest)))

    def place(self, split: str, number: int) -> tuple[int, int]:
        """Return the number of the group of a face, and its index in the group.

        Args:
            split: Split of the face.
            number: Number of the face in its split.
        """
        turn, number = divmod(number, self.num_groups[split])
        if split == 'test':
            return _FOLDS * number, turn
        block, place = divmod(number, _FOLDS - 1)
        return _FOLDS * block + 1 + place, turn
