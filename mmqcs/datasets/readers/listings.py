"""Lists of labels and folders of images; no image is opened to see if it exists."""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from .fields import image_name, integer, shorten
from .layouts import Sample
from .text_files import read_lines

__all__ = ['FolderNames', 'read_class_folders', 'read_label_list']

# The extension begins with a letter, so a further column is not part of the name.
_LABELLED = re.compile(r'(.+\.[A-Za-z][A-Za-z0-9]*)[ \t]+(\S+)')
# errors of a folder that is not there or cannot exist under that name
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


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
            except OSError as error:
                if error.errno not in _NO_FOLDER:
                    raise
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


def read_label_list(
    path: Path, example: str, lowest: int = 0, highest: int = 999_999_999
) -> Iterator[tuple[str, int, str]]:
    """Read lines of an image name, white space and a whole number.

    Names may contain spaces. Their backslashes become slashes.

    Args:
        path: Text file, see :func:`.read_lines`.
        example: A valid line, for messages.
        lowest: Smallest number that is valid.
        highest: Largest number that is valid.

    Yields:
        Name of the image, number, and where it was read.

    Raises:
        ValueError: A line is not of that form.
    """
    for number, line in read_lines(path):
        origin = f'{path} line {number}'
        match = _LABELLED.fullmatch(line.strip(' \t'))
        try:
            if match is None:
                raise ValueError('there must be two columns')
            yield image_name(match[1]), integer(match[2], highest, lowest), origin
        except ValueError as error:
            raise ValueError(
                f'{origin}: expected an image name and a label such as {example!r}, '
                f'got {shorten(line)} ({error})'
            ) from error


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
