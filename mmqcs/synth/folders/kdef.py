"""Writer of KDEF."""

from collections import Counter
from pathlib import Path

import numpy as np

from mmqcs import expressions
from mmqcs.synth.synth_fer import SynthFERSettings

from .base import Labels
from .folds import FoldedWriter

__all__ = ['KDEFFolders']

_SESSIONS = 'AB'


class KDEFFolders(FoldedWriter):
    """``KDEF/AF01/AF01ANS.JPG``: session, sex, subject, expression, frontal view.

    A subject has at most two images per expression, one per session. All subjects are
    named as women.

    Args:
        labels: SynthFER labels of each split.
        settings: SynthFER settings.

    Raises:
        ValueError: KDEF lacks a class of SynthFER, or there are too many test faces for
            the number of training faces.
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
            # consecutive faces of one class go to different subjects
            for number, index in enumerate(np.argsort(found, kind='stable').tolist()):
                group, _ = self.place(split, number)
                code = self.codes[self.number(split, index)]
                session = taken[group, code]
                if session == len(_SESSIONS):
                    raise ValueError(
                        f'KDEF has two images per subject and expression, so '
                        f'{len(labels["train"])} training and {len(labels["test"])} '
                        f'test faces do not fit: use more training or fewer test faces'
                    )
                taken[group, code] += 1
                subject = f'{_SESSIONS[session]}F{group:0{self.digits}d}'
                self._stems[split, index] = f'{subject}{code}S'

    def path(self, split: str, index: int) -> Path:
        """Return the file of a face, relative to the root."""
        stem = self._stems[split, index]
        return Path('KDEF') / stem[:-3] / f'{stem}.JPG'
