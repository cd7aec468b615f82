"""The layouts in which a data set lies on disk, and which of them is there."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    'FoundLayout',
    'Layout',
    'Sample',
    'companion',
    'find_layout',
    'locate',
    'subfolders',
    'undouble',
]


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
        root: The folder that holds the tree: ``data_root``, or a folder below it.
        others: Names of further layouts that are there too.
    """

    layout: Layout
    source: Path
    root: Path
    others: tuple[str, ...]


def find_layout(
    layouts: Callable[[Path], Sequence[Layout]],
    dataset: str,
    split: str,
    root: str,
    name: str | None,
) -> FoundLayout:
    """Find the layout of a split. Earlier layouts take precedence.

    Downloads often unpack into folders of their own. If ``root`` holds none of the
    layouts, its subfolders are searched, then their subfolders.

    Args:
        layouts: Returns the layouts that the dataset can have below a root.
        dataset: Name of the dataset, for messages.
        split: Name of the split, for messages.
        root: Root folder.
        name: Name of the only layout to look for, or None for any.

    Raises:
        ValueError: There is no layout of that name, or several subfolders have a
            layout.
        FileNotFoundError: No layout is there; lists all paths that were looked for
            and the expected trees.
    """
    base = Path(root).expanduser()
    looked_for: list[Layout] = []
    for folders in _levels(base):
        found = []
        for folder in folders:
            wanted = _named(layouts(folder), dataset, split, name)
            if folder == base:
                looked_for += wanted
            there = [
                (layout, source)
                for layout in wanted
                if (source := next((s for s in layout.sources if s.exists()), None))
            ]
            if there:
                found.append((folder, there))
        if len({folder.resolve() for folder, _ in found}) > 1:
            raise ValueError(
                f'several folders below data_root, {root!r}, hold a {split} split that '
                f'may be {dataset}: {", ".join(str(folder) for folder, _ in found)}. '
                f'Set data_root to one of them'
            )
        if found:
            folder, ((layout, source), *others) = found[0]
            names = tuple(other.name for other, _ in others)
            # the root itself was found by its content, so it is not unwrapped
            source = source if source == folder else undouble(source)
            return FoundLayout(layout, source, folder, names)
    paths = '\n'.join(f'  {s}' for layout in looked_for for s in layout.sources)
    trees = '\n\n'.join(f'  layout {one.name!r}:\n{one.tree}' for one in looked_for)
    raise FileNotFoundError(
        f'{dataset} not found: set data_root, now {root!r}, to a folder with one of '
        f'the trees below. Looked for the {split} split at\n{paths}\n'
        f'and in the same places up to two folders further down. '
        f'Expected below data_root:\n{trees}'
    )


def undouble(path: Path) -> Path:
    """Return ``path/name`` if an archive unpacked into a folder of its own name.

    Args:
        path: Path such as ``train`` or ``fer2013.csv``.

    Returns:
        ``train/train`` if that exists, else ``train``.
    """
    inner = path / path.name
    return inner if inner.exists() else path


def locate(root: Path, name: str) -> Path:
    """Find a file or folder in a root or in one of its subfolders.

    Args:
        root: Folder to search.
        name: Name of the file or folder.

    Returns:
        ``root/name`` if that exists or nothing of that name is found, else the only
        ``root/*/name``.

    Raises:
        ValueError: Several subfolders hold it.
    """
    path = root / name
    if path.exists():
        return undouble(path)
    found = [undouble(one / name) for one in subfolders(root) if (one / name).exists()]
    if len(found) > 1:
        raise ValueError(
            f'{name} is in several places: {", ".join(map(str, found))}. Keep one'
        )
    return found[0] if found else path


def companion(source: Path, root: Path, name: str) -> Path:
    """Find the folder that belongs to a file or folder of labels.

    Args:
        source: The labels.
        root: Folder above the labels. Searched are the folders from ``source`` up to
            this one, and their subfolders.
        name: Name of the folder.

    Returns:
        The nearest such folder, or ``root/name`` if there is none.

    Raises:
        ValueError: Several subfolders hold it.
    """
    for folder in source.parents:
        path = locate(folder, name)
        if path.exists() or folder == root:
            return path
    return root / name


def subfolders(folder: Path) -> list[Path]:
    """Return the subfolders by name, without hidden ones and ``__MACOSX``."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(
            folder / entry.name
            for entry in entries
            if not entry.name.startswith(('.', '__')) and entry.is_dir()
        )


def _levels(base: Path) -> Iterator[list[Path]]:
    """Yield the base, then its subfolders, then their subfolders."""
    level = [base]
    yield level
    for _ in range(2):
        level = [path for folder in level for path in subfolders(folder)]
        yield level


def _named(
    layouts: Sequence[Layout], dataset: str, split: str, name: str | None
) -> Sequence[Layout]:
    if name is None:
        return layouts
    chosen = [layout for layout in layouts if layout.name == name]
    if not chosen:
        raise ValueError(
            f'layout must be one of {", ".join(repr(one.name) for one in layouts)} for '
            f'the {split} split of {dataset}, or None to look for all; got {name!r}'
        )
    return chosen
