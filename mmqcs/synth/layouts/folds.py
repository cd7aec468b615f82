"""Layouts of datasets that have folds instead of an official split."""

from mmqcs.synth.synth_fer import SynthFERSettings

from .base import Labels, Layout

__all__ = ['FoldedLayout']

_FOLDS = 10


class FoldedLayout(Layout):
    """Base of the layouts whose datasets divide groups of images into ten folds.

    A group is a subject, or an image with several faces. Every tenth group is in one
    fold. SynthFER's split is laid out as the first fold: the groups 0, 10, 20 and so
    on have the faces to test on, all others those to train on. For that there must be
    nine groups to train on for each to test on, so the larger of the two parts has
    several faces per group, which then are of several people. No person is in two
    groups, so the other folds divide all faces by person as well.

    Attributes:
        max_tested: Largest number of groups to test on, or None for any.
        digits: Least number of digits to write the number of a group with.
    """

    max_tested: int | None = None
    digits = 3

    def __init__(self, labels: Labels, settings: SynthFERSettings) -> None:
        super().__init__(labels, settings)
        train, test = len(labels['train']), len(labels['test'])
        others = _FOLDS - 1
        most = self.max_tested or train + test
        tested = min(test, train // others + 1, most)
        # with nothing to test on, each face is a group
        trained = min(train, others * (tested or most))
        self.num_groups = {'train': trained, 'test': tested}
        # of one width, because the groups are sorted by name
        highest = _FOLDS * max(tested, -(-trained // others)) - 1
        self.digits = max(self.digits, len(str(highest)))

    def place(self, split: str, number: int) -> tuple[int, int]:
        """Find the group of a face.

        Args:
            split: Split of the face.
            number: Number of the face in its split.

        Returns:
            Number of the group, and number of the face in its group.
        """
        turn, number = divmod(number, self.num_groups[split])
        if split == 'test':
            return _FOLDS * number, turn
        block, place = divmod(number, _FOLDS - 1)
        return _FOLDS * block + 1 + place, turn
