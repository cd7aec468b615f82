"""The layout of KDEF."""

from collections import Counter
from pathlib import Path

import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import SynthFERSettings

from .base import Labels
from .folds import FoldedLayout

__all__ = ['KDEFFolders']

_SESSIONS = 'AB'


class KDEFFolders(FoldedLayout):
    """``KDEF/AF01/AF01ANS.JPG``: session, subject, expression and angle, straight.

    A subject has at most two images of an expression, one per session. All subjects
    have names of women.

    Args:
        labels: SynthFER's labels of both splits.
        settings: SynthFER's settings.

    Raises:
        ValueError: KDEF lacks a class of SynthFER, or there are too many faces to
            test on for those to train on.
    """

    dataset = 'KDEF'
    order = expressions.KDEF
    codes = ('AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU')
    tops = ('KDEF',)
    digits = 2

    def __init__(self, labels: Labels, settings: SynthFERSettings) -> None:
        super().__init__(labels, settings)
        self._stems: dict[tuple[str, int], str] = {}
        taken: Counter[tuple[int, str]] = Counter()
        for split, found in labels.items():
            # faces of one class, one after the other, go to different subjects
            for number, index in enumerate(np.argsort(found, kind='stable').tolist()):
                group, _ = self.place(split, number)
                code = self.codes[self.number(split, index)]
                session = taken[group, code]
                if session == len(_SESSIONS):
                    raise ValueError(
                        f'KDEF has two images per subject and expression, so there '
                        f'must be more faces to train on, or fewer to test on, than '
                        f'{len(labels["train"])} and {len(labels["test"])}'
                    )
                taken[group, code] += 1
                subject = f'{_SESSIONS[session]}F{group:0{self.digits}d}'
                self._stems[split, index] = f'{subject}{code}S'

    def path(self, split: str, index: int) -> Path:
        """See the base class."""
        stem = self._stems[split, index]
        return Path('KDEF') / stem[:-3] / f'{stem}.JPG'

    def write_labels(self, root: Path) -> None:
        """Nothing: the names are the labels."""
