"""CK+."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmqcs import expressions
from mmqcs.registry import DATASETS

from .base import FoldedDataset, FoundLayout, Layout, Sample
from .readers.fer2013_csv import read_fer2013_csv
from .readers.fields import integer, shorten
from .readers.folders import companion, locate, subfolders
from .readers.listings import image_names, read_class_folders
from .readers.text_files import read_lines

_IMAGES = 'cohn-kanade-images'
_TREE = """\
    cohn-kanade-images/S005/001/S005_001_00000011.png     (or in a subfolder, as the
    Emotion/S005/001/S005_001_00000011_emotion.txt        two archives unpack)"""
_CK48_TREE = """\
    CK+48/anger/S010_004_00000017.png       anger, contempt, disgust, fear, happy,
                                            sadness, surprise"""
_CSV_TREE = """\
    ckextended.csv                          emotion,pixels,Usage"""
_SPELLINGS = expressions.class_spellings(expressions.CK_PLUS)
_NAME = re.compile(r'(?P<subject>S\d+)_(?P<sequence>\d+)_\d+', re.IGNORECASE)
_SPLITS = {'Training': 'train', 'PublicTest': 'test', 'PrivateTest': 'test'}


@DATASETS.register_module()
class CKPlus(FoldedDataset):
    """CK+ (Lucey et al., CVPR 2010): sequences from neutral to a posed expression.

    The layouts, in order of precedence:

    - ``'sequences'``: the release of the authors. Sequences without an emotion file
      have no label and are left out.
    - ``'ck48'``: class folders with the last three frames of each sequence.
    - ``'csv'``: ``ckextended.csv``, 48 × 48 grey images without subjects. Its column
      Usage divides them: ``'train'`` is Training, ``'test'`` is PublicTest and
      PrivateTest. One subject can be in both, which the log warns about.

    There is no official split. ``'train'`` and ``'test'`` divide the *subjects*, see
    :class:`.FoldedDataset`. Each data info has its ``subject``, except in ``'csv'``.

    Args:
        **kwargs: See :class:`.FoldedDataset`. ``'all'`` has 327 labelled
            sequences.
        peak_frames: Number of last frames to use from each sequence. Defaults to 1;
            ``'ck48'`` has three.
        neutral_frames: Number of first frames to use as neutral images, for
            ``'sequences'`` only. Defaults to 0; Neutral then has no images.

    Raises:
        ValueError: A sequence has too few frames, or an argument is out of range or
            does not apply to the layout.

    Examples:
        >>> data = CKPlus('data/ck-plus', split='all', peak_frames=1, neutral_frames=1)
        >>> data.CLASSES[data.get_data_info(0)['gt_label']]  # a first frame
        'Neutral'
    """

    METAINFO = {'dataset_name': 'CK+', 'classes': expressions.CK_PLUS}
    PUBLISHED = {'all': (0, 45, 18, 59, 25, 69, 28, 83)}

    def __init__(
        self, *args: Any, peak_frames: int = 1, neutral_frames: int = 0, **kwargs: Any
    ) -> None:
        if peak_frames < 1 or neutral_frames < 0:
            raise ValueError(
                f'peak_frames must be ≥ 1 and neutral_frames ≥ 0, got {peak_frames} '
                f'and {neutral_frames}'
            )
        self.peak_frames = peak_frames
        self.neutral_frames = neutral_frames
        super().__init__(*args, **kwargs)

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        labels = [locate(root, 'Emotion'), root / 'Emotion_labels']
        hint = f'Unpack the images into {_IMAGES}'
        return (
            Layout('sequences', labels, partial(self._read, root), _TREE, hint),
            Layout('ck48', _ck48_sources(root), self._read_ck48, _CK48_TREE),
            Layout('csv', [root / 'ckextended.csv'], self._read_csv, _CSV_TREE),
        )

    def published_counts(self, found: FoundLayout) -> Sequence[int] | None:
        """See the base class. The published counts are of whole sequences."""
        frames = (self.peak_frames, self.neutral_frames)
        if frames != (1, 0) or found.layout.name == 'csv':
            return None
        return super().published_counts(found)

    def _read(self, root: Path, source: Path) -> Iterator[Sample]:
        files = sorted(source.glob('*/*/*_emotion.txt'))
        images = companion(source, root, _IMAGES)
        wanted = self.groups_of_split(file.parts[-3] for file in files)
        for file in files:
            subject, sequence = file.parts[-3:-1]
            if subject not in wanted:
                continue
            folder = images / subject / sequence
            frames = self._frames(folder, file)
            label = self._label(file)
            labels = [0] * self.neutral_frames + [label] * self.peak_frames
            chosen = frames[: self.neutral_frames] + frames[-self.peak_frames :]
            for name, number in zip(chosen, labels, strict=True):
                path = os.path.join(folder, name)
                extra = {'subject': subject}
                yield Sample(path, number, str(file), listed=True, extra=extra)

    def _read_ck48(self, source: Path) -> Iterator[Sample]:
        if self.neutral_frames:
            raise ValueError(
                f'{source} has no neutral frames, got neutral_frames='
                f'{self.neutral_frames}. Set it to 0, or unpack the original sequences'
            )
        samples = _read_ck48(source, self.peak_frames)
        wanted = self.groups_of_split(sample.extra['subject'] for sample in samples)
        return (sample for sample in samples if sample.extra['subject'] in wanted)

    def _read_csv(self, source: Path) -> Iterable[Sample]:
        given = (self.peak_frames, self.neutral_frames, self.fold, self.num_folds)
        if given != (1, 0, 0, 10):
            raise ValueError(
                f'{source} has neither sequences nor subjects. Remove the arguments '
                f'peak_frames, neutral_frames, fold and num_folds'
            )
        return _read_ckextended(source, self.split)

    def _frames(self, folder: Path, file: Path) -> list[str]:
        frames = image_names(folder) if folder.is_dir() else []
        if not frames:
            raise FileNotFoundError(
                f'{file} labels the sequence {folder}, but it has no images. Unpack '
                f'the images into {_IMAGES}'
            )
        if len(frames) < self.peak_frames + self.neutral_frames:
            raise ValueError(
                f'{folder} has {len(frames)} frames, but neutral_frames='
                f'{self.neutral_frames} and peak_frames={self.peak_frames}. Lower them'
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


def _ck48_sources(root: Path) -> list[Path]:
    """Return ``CK+48`` below the root, or the root itself if it has class folders."""
    there = subfolders(root)
    found = [path for path in there if path.name.lower() == 'ck+48']
    if any(path.name.lower() in _SPELLINGS for path in there):
        found.append(root)
    return found or [root / 'CK+48']


def _read_ck48(folder: Path, peak_frames: int) -> Sequence[Sample]:
    """Read the last frames of each sequence of CK+48, with their ``subject``."""
    sequences: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in read_class_folders(folder, _SPELLINGS):
        match = _NAME.fullmatch(Path(sample.path).stem)
        if match is None:
            raise ValueError(
                f'{sample.path}: expected subject, sequence and frame in the name, '
                f'such as S010_004_00000017.png'
            )
        key = match['subject'].upper(), match['sequence']
        sequences[key].append(sample._replace(extra={'subject': key[0]}))
    chosen = []
    for frames in sequences.values():
        if len({frame.label for frame in frames}) > 1:
            raise ValueError(
                f'{frames[0].path} and {frames[-1].path} belong to one sequence, but '
                f'are in two class folders. Keep one'
            )
        if len(frames) < peak_frames:
            raise ValueError(
                f'the sequence of {frames[0].path} has {len(frames)} frames, but '
                f'peak_frames={peak_frames}. Lower it'
            )
        frames.sort(key=lambda frame: Path(frame.path).stem)
        chosen += frames[-peak_frames:]
    return chosen


def _read_ckextended(table: Path, split: str) -> Iterator[Sample]:
    """Read ``ckextended.csv``, which has its own class order."""
    order = expressions.class_map(expressions.CK_EXTENDED, expressions.CK_PLUS)
    labels = order.tolist()
    for usage, sample in read_fer2013_csv(table, len(labels)):
        if usage not in _SPLITS:
            raise ValueError(
                f'{sample.origin}: expected a Usage of {", ".join(_SPLITS)}, got '
                f'{usage!r}'
            )
        if split in ('all', _SPLITS[usage]):
            yield sample._replace(label=labels[sample.label])
    if split != 'all':
        print_log(
            f'{table} has no subjects, so one subject can be in both the training and '
            f'the test split. Results are not comparable with splits by subject',
            logger='current',
            level=logging.WARNING,
        )
