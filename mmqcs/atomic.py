"""Writes files that appear when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ['atomic_file', 'draft_of', 'publish_draft', 'remove_drafts', 'write_text']

_SUFFIX = '.mmqcs-draft'


def draft_of(path: str | Path) -> Path:
    """Return the file in which another one grows until it is complete.

    Args:
        path: The complete file. The draft lies in the same folder.
    """
    path = Path(path)
    return path.with_name(f'{path.name}.{os.getpid()}{_SUFFIX}')


def publish_draft(draft: str | Path, path: str | Path) -> None:
    """Move a complete draft to its place, so that a crash leaves the old or the new.

    Args:
        draft: Complete file, in the folder of ``path``. It is on disk before it moves.
        path: File to write or to replace.
    """
    path = Path(path)
    with Path(draft).open('r+b') as file:
        os.fsync(file.fileno())
    os.replace(draft, path)
    _sync_folder(path.parent)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a draft that takes the place of a file unless something is raised.

    Args:
        path: File to write or to replace. Its folder must exist.

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
    """Write a text file in UTF-8, whole or not at all."""
    with atomic_file(path) as draft:
        draft.write_text(text, encoding='utf-8')


def remove_drafts(folder: str | Path) -> None:
    """Remove what killed processes left of files they did not complete.

    Args:
        folder: Folder that no other process writes to.
    """
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
