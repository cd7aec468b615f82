"""Locations of files and folders in unpacked downloads."""

import os
from pathlib import Path


def undouble(path: Path) -> Path:
    """Return ``train/train`` for ``train`` if an archive was unpacked that way."""
    inner = path / path.name
    return inner if inner.exists() else path


def locate(root: Path, name: str) -> Path:
    """Return ``root/name`` or, if only that exists, the only ``root/*/name``."""
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
    """Find the folder of images that belongs to the labels in ``source``.

    The search covers each folder from ``source`` up to ``root``, with its subfolders.
    Returns the nearest match, or ``root/name`` if there is none.
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
