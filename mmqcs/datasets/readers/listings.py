"""Lists of labels and folders of images."""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torchvision.datasets.folder import IMG_EXTENSIONS

from .fields import image_name, integer, shorten
from .text_files import read_lines

# The extension starts with a letter, so another column is not part of the name.
_LABELLED = re.compile(r'(.+\.[A-Za-z][A-Za-z0-9]*)[ \t]+(\S+)')
# errors for a folder that does not exist or cannot exist under that name
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class Sample(NamedTuple):
    """One image of a dataset.

    Attributes:
        path: Path of the image file.
        label: Class number in the dataset's own order, counted from 0.
        origin: Where the sample was read, such as 'list.txt line 3', for messages.
        listed: Whether the image is known to exist, because its folder or container
            was read to find it.
        scores: Soft label over the dataset's own classes; need not sum to 1.
        extra: More entries of the data info, such as ``bbox``.
    """

    path: str
    label: int
    origin: str
    listed: bool = False
    scores: np.ndarray | None = None
    extra: Mapping[str, Any] = {}


class FolderNames:
    """Lookup of existing files that lists each folder once, for slow disks."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._by_lower: dict[str, dict[str, str]] = {}

    def names(self, folder: str) -> frozenset[str]:
        """Return the names in a folder, none if it does not exist."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder or '.'))
            except OSError as error:
                if error.errno not in _NO_FOLDER:
                    raise
                self._names[folder] = frozenset()
        return self._names[folder]

    def find(self, path: str) -> str | None:
        """Return the path as it is on disk, or None if there is no such file.

        The case of the extension may differ.
        """
        folder, name = os.path.split(path)
        if name in self.names(folder):
            return path
        if folder not in self._by_lower:
            # sorted, so that the choice between a.jpg and a.JPG is always the same
            self._by_lower[folder] = {
                _lower_extension(other): other
                for other in sorted(self.names(folder), reverse=True)
            }
        other = self._by_lower[folder].get(_lower_extension(name))
        return None if other is None else os.path.join(folder, other)


def read_label_list(
    path: Path, example: str, lowest: int = 0, highest: int = 999_999_999
) -> Iterator[tuple[str, int, str]]:
    """Read lines of an image name, whitespace and a whole number.

    Names may contain spaces. Their backslashes become slashes.

    Args:
        path: Text file, see :func:`.read_lines`.
        example: A valid line, for messages.
        lowest: Smallest valid number.
        highest: Largest valid number.

    Yields:
        Image name, number, and where they were read.

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


def read_image_list(path: Path, folder: Path, example: str) -> Iterator[Sample]:
    """Read a label list whose labels count from 0, see :func:`read_label_list`.

    Names are relative to ``folder``, or to the folder of the list if it does not exist.
    """
    base = str(folder if folder.is_dir() else path.parent)
    for name, label, origin in read_label_list(path, example):
        yield Sample(os.path.join(base, name), label, origin)


def image_names(folder: str | Path) -> list[str]:
    """Return the sorted names of the images in a folder, without hidden ones."""
    return [
        name
        for name in sorted(os.listdir(folder))
        if name.lower().endswith(IMG_EXTENSIONS) and not name.startswith('.')
    ]


def read_class_folders(folder: Path, labels: Mapping[str, int]) -> Iterator[Sample]:
    """Read images from one folder per class.

    Args:
        folder: Folder of the class folders. Links are followed. Hidden folders and
            files that are not images are skipped.
        labels: Class number by folder name in lower case.

    Yields:
        The images, sorted by folder and name.

    Raises:
        ValueError: A folder name is not in ``labels``.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.is_dir()]
    for entry in sorted(found, key=lambda entry: entry.name):
        if entry.name.startswith(('.', '__')):
            continue
        if entry.name.lower() not in labels:
            raise ValueError(
                f'{entry.path} is not the folder of a known class; expected one of '
                f'{", ".join(labels)}. Rename it or move it elsewhere'
            )
        label = labels[entry.name.lower()]
        for name in image_names(entry.path):
            yield Sample(os.path.join(entry.path, name), label, entry.path, listed=True)


def _lower_extension(name: str) -> str:
    stem, extension = os.path.splitext(name)
    return stem + extension.lower()
