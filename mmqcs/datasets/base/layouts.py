"""The directory layouts of a dataset, and the search for the one on disk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmqcs.datasets.readers.folders import subfolders, undouble
from mmqcs.datasets.readers.listings import Sample


class Layout(NamedTuple):
    """One way to store a split.

    Attributes:
        name: Short name, for the log and the argument ``layout``.
        sources: Possible places of the labels; the first that exists is read.
        read: Reads the samples from the source.
        tree: The expected directory tree, for error messages.
        hint: What to do if images are missing.
    """

    name: str
    sources: Sequence[Path]
    read: Callable[[Path], Iterable[Sample]]
    tree: str
    hint: str = ''


class FoundLayout(NamedTuple):
    """A layout that exists on disk.

    Attributes:
        layout: The layout.
        source: The file or folder that holds the labels.
        root: The folder that holds the tree: ``data_root`` or a folder below it.
        others: Names of other layouts that also exist.
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
        layouts: Returns the possible layouts of the dataset below a root.
        dataset, split: Names for messages.
        root: Root folder.
        name: Name of the only layout to look for, or None for any.
    """
    base = Path(root).expanduser()
    looked_for: list[Layout] = []
    for folders in _levels(base):
        found = []
        for folder in folders:
            known = layouts(folder)
            wanted = [layout for layout in known if name in (None, layout.name)]
            if not wanted:
                options = ', '.join(repr(layout.name) for layout in known)
                raise ValueError(
                    f'layout must be one of {options} for the {split} split of '
                    f'{dataset}, or None to look for all; got {name!r}'
                )
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
        f'and in the same places up to two folders deeper. '
        f'Expected below data_root:\n{trees}'
    )


def _levels(base: Path) -> Iterator[list[Path]]:
    """Yield the base, then its subfolders, then their subfolders."""
    level = [base]
    yield level
    for _ in range(2):
        level = [path for folder in level for path in subfolders(folder)]
        yield level
