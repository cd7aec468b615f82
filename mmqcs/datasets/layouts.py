"""The layouts in which a data set lies on disk, and which of them is there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ['FoundLayout', 'Layout', 'Sample', 'find_layout']


class Sample(NamedTuple):
    """One image of a data set.

    Attributes:
        path: Path of the image file.
        label: Class in the data set's own order, counted from 0.
        origin: Where this was read, such as 'list.txt line 3', for messages.
        listed: Whether the image is known to be there, because its folder or
            container was read to find it.
        scores: Soft label over the data set's own classes; need not sum to 1.
        extra: Further entries of the data info, such as ``bbox``.
    """

    path: str
    label: int
    origin: str
    listed: bool = False
    scores: np.ndarray | None = None
    extra: Mapping[str, Any] | None = None


class Layout(NamedTuple):
    """One way to store a split.

    Attributes:
        name: Short name, for the log and the argument ``layout``.
        sources: Where the labels may lie; the first that exists is read.
        read: Reads the samples from the source.
        tree: What the folder looks like, for messages.
        hint: What to do when images are missing.
    """

    name: str
    sources: Sequence[Path]
    read: Callable[[Path], Iterable[Sample]]
    tree: str
    hint: str = ''


class FoundLayout(NamedTuple):
    """A layout that is there.

    Attributes:
        layout: The layout.
        source: The file or folder that holds the labels.
        others: Names of further layouts that are there too.
    """

    layout: Layout
    source: Path
    others: tuple[str, ...]


def find_layout(
    layouts: Sequence[Layout], dataset: str, split: str, root: str, name: str | None
) -> FoundLayout:
    """Finds the layout of a split; the earlier in the list, the rather.

    Args:
        layouts: The layouts that the data set can have.
        dataset: Name of the data set, for messages.
        split: Name of the split, for messages.
        root: Root folder, for messages.
        name: Name of the only layout to look for, or None for any.

    Raises:
        ValueError: There is no layout of that name.
        FileNotFoundError: None is there; lists all paths that were looked for
            and the expected trees.
    """
    if name is not None:
        known = [layout.name for layout in layouts]
        if name not in known:
            raise ValueError(
                f'layout must be one of {", ".join(map(repr, known))} for the {split} '
                f'split of {dataset}, or None to look for all; got {name!r}'
            )
        layouts = [layout for layout in layouts if layout.name == name]
    found = [
        (layout, source)
        for layout in layouts
        if (source := next((s for s in layout.sources if s.exists()), None))
    ]
    if found:
        others = tuple(layout.name for layout, _ in found[1:])
        return FoundLayout(*found[0], others)
    paths = '\n'.join(f'  {s}' for layout in layouts for s in layout.sources)
    trees = '\n\n'.join(f'  layout {one.name!r}:\n{one.tree}' for one in layouts)
    raise FileNotFoundError(
        f'{dataset} not found: set data_root, now {root!r}, to a folder with one of '
        f'the trees below. Looked for the {split} split at\n{paths}\n'
        f'Expected below data_root:\n{trees}'
    )
