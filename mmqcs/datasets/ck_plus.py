"""CK+."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torchvision.datasets.folder import IMG_EXTENSIONS

from mmqcs.registry import DATASETS

from .fer_dataset import FERDataset
from .fields import integer, shorten
from .layouts import FoundLayout, Layout, Sample
from .text_files import read_lines

_LABELS = 'Emotion'
_IMAGES = 'cohn-kanade-images'
_TREE = """\
    cohn-kanade-images/S005/001/S005_001_00000011.png
    Emotion/S005/001/S005_001_00000011_emotion.txt        one number, 0 to 7"""


@DATASETS.register_module()
class CKPlus(FERDataset):
    """CK+ (Lucey et al., CVPR 2010): sequences from neutral to a posed expression.

    The tree is the one that its authors give out; sequences without a file below
    ``Emotion`` have no label and are left out::

        data_root/
        ├── cohn-kanade-images/S005/001/S005_001_00000011.png
        └── Emotion/S005/001/S005_001_00000011_emotion.txt

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*,
    so that no face is in both: of the subjects in order, every ``num_folds``-th
    from the ``fold``-th on is tested.

    Args:
        data_root: Root folder.
        split: ``'all'`` (327 labelled sequences), ``'train'`` or ``'test'``.
        pipeline: Transforms.
        peak_frames: Last frames of each sequence that are taken. Defaults to 1.
        neutral_frames: First frames of each sequence that are taken as neutral.
            Defaults to 0; then Neutral has no images.
        fold: Fold that is tested, counted from 0.
        num_folds: Number of folds, at least 2. Defaults to 10.
        **kwargs: See :class:`.FERDataset`.

    Raises:
        FileNotFoundError: The tree is not there, or the images of a sequence.
        ValueError: A label is not a number, a sequence is shorter than the frames
            asked for, or an argument is out of its range.

    Examples:
        >>> data = CKPlus('data/ck-plus', split='all', peak_frames=1, neutral_frames=1)
        >>> data.CLASSES[data.get_data_info(0)['gt_label']]  # a first frame
        'Neutral'
    """

    SPLITS = ('train', 'test', 'all')
    METAINFO = {
        'dataset_name': 'CK+',
        'classes': (
            'Neutral',
            'Anger',
            'Contempt',
            'Disgust',
            'Fear',
            'Happy',
            'Sadness',
            'Surprise',
        ),
    }
    PUBLISHED = {'all': (0, 45, 18, 59, 25, 69, 28, 83)}

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        pipeline: Sequence = (),
        peak_frames: int = 1,
        neutral_frames: int = 0,
        fold: int = 0,
        num_folds: int = 10,
        **kwargs: Any,
    ) -> None:
        if peak_frames < 1 or neutral_frames < 0:
            raise ValueError(
                f'peak_frames must be ≥ 1 and neutral_frames ≥ 0, got {peak_frames} '
                f'and {neutral_frames}'
            )
        if num_folds < 2 or not 0 <= fold < num_folds:
            raise ValueError(
                f'num_folds must be ≥ 2 and fold from 0 to num_folds - 1, got '
                f'{num_folds} and {fold}'
            )
        self.peak_frames = peak_frames
        self.neutral_frames = neutral_frames
        self.fold = fold
        self.num_folds = num_folds
        super().__init__(data_root, split, pipeline, **kwargs)

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        hint = f'Unpack the images into {_IMAGES}'
        return (Layout('sequences', [root / _LABELS], self._read, _TREE, hint),)

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class; published are counts of whole sequences."""
        if (self.peak_frames, self.neutral_frames) != (1, 0):
            return None
        return super().published_counts(found)

    def _read(self, source: Path) -> Iterator[Sample]:
        files = sorted(source.glob('*/*/*_emotion.txt'))
        subjects = sorted({file.parts[-3] for file in files})
        tested = set(subjects[self.fold :: self.num_folds])
        for file in files:
            subject, sequence = file.parts[-3:-1]
            if self.split != 'all' and (subject in tested) != (self.split == 'test'):
                continue
            folder = source.parent / _IMAGES / subject / sequence
            frames = self._frames(folder, file)
            label = self._label(file)
            for name in frames[: self.neutral_frames]:
                yield Sample(os.path.join(folder, name), 0, str(file), listed=True)
            for name in frames[-self.peak_frames :]:
                yield Sample(os.path.join(folder, name), label, str(file), listed=True)

    def _frames(self, folder: Path, file: Path) -> list[str]:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        frames = [name for name in names if name.lower().endswith(IMG_EXTENSIONS)]
        if not frames:
            raise FileNotFoundError(
                f'{file} labels the sequence {folder}, but there are no images. Unpack '
                f'the images into {_IMAGES}'
            )
        if len(frames) < self.peak_frames + self.neutral_frames:
            raise ValueError(
                f'{folder} has {len(frames)} frames, but {self.neutral_frames} neutral '
                f'and {self.peak_frames} peak frames are asked for. Ask for fewer'
            )
        return frames

    @staticmethod
    def _label(file: Path) -> int:
        rows = list(read_lines(file))
        try:
            ((_, text),) = rows
            return integer(text, len(CKPlus.METAINFO['classes']) - 1)
        except ValueError as error:
            lines = ' '.join(text for _, text in rows)
            raise ValueError(
                f'{file} line 1: expected one number from 0 to 7, got {shorten(lines)}'
            ) from error
