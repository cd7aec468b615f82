"""Writes files that appear only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = '.mmqcs-draft'


def draft_of(path: str | Path) -> Path:
    """Return the path of the draft of a file, which is in the same folder."""
    path = Path(path)
    return path.with_name(f'{path.name}.{os.getpid()}{_SUFFIX}')


def publish_draft(draft: str | Path, path: str | Path) -> None:
    """Flush a complete draft to disk and move it to its place.

    A crash leaves the old file or the new one.
    """
    path = Path(path)
    with Path(draft).open('r+b') as file:
        os.fsync(file.fileno())
    os.replace(draft, path)
    _sync_folder(path.parent)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a draft that replaces a file, unless an error is raised.

    Examples:
        >>> with atomic_file('notes.txt') as draft:
        ...     size = draft.write_text('complete')
        >>> Path('notes.txt').read_text()
        'complete'
    """
    draft = draft_of(path)
    try:
        yield draft
        publish_draft(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, completely or not at all."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding='utf-8')


def remove_drafts(folder: str | Path) -> None:
    """Remove drafts of killed processes from a folder that nobody writes to."""
    for draft in Path(folder).glob(f'*{_SUFFIX}'):
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == 'nt':  # Windows cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems do not sync folders
        pass
    finally:
        os.close(handle)
