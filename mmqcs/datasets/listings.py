"""Reads folders and lists of labels; no file is touched only to see it exist."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from .layouts import Sample

__all__ = ['FolderNames', 'read_class_folders', 'read_label_list']


class FolderNames:
    """Answers which files there are, and lists each folder once."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._by_lower: dict[str, dict[str, str]] = {}

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder; none if there is no such folder."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder or '.'))
            except (FileNotFoundError, NotADirectoryError):
                self._names[folder] = frozenset()
        return self._names[folder]

    def find(self, path: str) -> str | None:
        """Finds a file, whose extension may differ in case from the one given.

        Args:
            path: Path of the file.

        Returns:
            The path as it is on disk, or None if there is no such file.
        """
        folder, name = os.path.split(path)
        if name in self.names(folder):
            return path
        if folder not in self._by_lower:
            # sorted: of names that differ in the extension's case, always the same
            self._by_lower[folder] = {
                _lower_extension(other): other
                for other in sorted(self.names(folder), reverse=True)
            }
        other = self._by_lower[folder].get(_lower_extension(name))
        return None if other is None else os.path.join(folder, other)


def read_label_list(path: Path, example: str) -> Iterator[tuple[str, int, str]]:
    """Reads lines of a file name, white space and a number.

    Empty lines are skipped. The name may hold spaces; its backslashes become
    slashes.

    Args:
        path: Text file, UTF-8, with line ends of any kind.
        example: A line that is right, for messages.

    Yields:
        Name of the image, number, and where it was read.

    Raises:
        ValueError: A line is not of that form.
    """
    with path.open(encoding='utf-8-sig') as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            origin = f'{path} line {number}'
            name, _, label = line.strip().replace('\t', ' ').rpartition(' ')
            name = name.strip().replace('\\', '/')
            if not os.path.splitext(name)[1] or not label.isdecimal():
                raise ValueError(
                    f'{origin}: expected an image name and a label such as '
                    f'{example!r}, got {line.rstrip()!r}'
                )
            yield name, int(label), origin


def read_class_folders(folder: Path, labels: Mapping[str, int]) -> Iterator[Sample]:
    """Reads the images of a folder with one folder a class.

    Args:
        folder: Folder of the class folders. Links are followed; hidden folders
            and files that are no images are passed over.
        labels: From the name of a class folder, in lower case, to the class. The
            order of the folders means nothing.

    Yields:
        The images, sorted by folder and name.

    Raises:
        ValueError: A folder is not in the table.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.is_dir()]
    for entry in sorted(found, key=lambda entry: entry.name):
        if entry.name.startswith(('.', '__')):
            continue
        if entry.name.lower() not in labels:
            raise ValueError(
                f'{entry.path} is not the folder of a known class: expected one of '
                f'{", ".join(labels)}. Rename it, or move it elsewhere'
            )
        label = labels[entry.name.lower()]
        for name in sorted(os.listdir(entry.path)):
            if name.lower().endswith(IMG_EXTENSIONS) and not name.startswith('.'):
                path = os.path.join(entry.path, name)
                yield Sample(path, label, entry.path, listed=True)


def _lower_extension(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem + extension.lower()
