"""Log messages on the images per class that a dataset has."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmqcs.datasets.readers.listings import Sample

from .layouts import FoundLayout


def log_counts(
    title: str,
    found: FoundLayout,
    data_root: str,
    counts: Mapping[str, int],
    published: Sequence[int] | None,
    repeated: Sequence[Sample],
) -> None:
    """Log the layout and class counts, and warn if they are not the published ones.

    Args:
        title: Dataset and split.
        found: The layout that is read.
        data_root: Root folder that the user set.
        counts: Number of images by class name.
        published: Published number of images, in the same order, or None if unknown.
        repeated: Samples whose image was listed before.
    """

    def text(numbers: Sequence[int]) -> str:
        named = zip(counts, numbers, strict=True)
        classes = ', '.join(f'{name} {number:,}' for name, number in named)
        return f'{sum(numbers):,} images ({classes})'

    def warn(message: str) -> None:
        print_log(message, logger='current', level=logging.WARNING)

    numbers = list(counts.values())
    others = f'; not used: {", ".join(found.others)}' if found.others else ''
    nested = found.root != Path(data_root).expanduser()
    root = f' (using {found.root} as data_root)' if nested else ''
    print_log(
        f'{title}: layout {found.layout.name!r} at {found.source}{root}, '
        f'{text(numbers)}{others}',
        logger='current',
    )
    as_published = published is not None and numbers == list(published)
    if repeated and not as_published:  # fer2013new.csv has three such rows
        warn(
            f'{title} lists {len(repeated):,} images more than once, such as '
            f'{repeated[0].path}, again in {repeated[0].origin}. Each entry counts'
        )
    if published is not None and not as_published:
        warn(
            f'{title} has {text(numbers)}, but the published dataset has '
            f'{text(published)}. This is a part or another version of it, so results '
            f'are not comparable with published ones'
        )
