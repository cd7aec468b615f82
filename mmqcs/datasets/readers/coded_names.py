"""Images whose file names encode subject and expression."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.logging import print_log
from torchvision.datasets.folder import IMG_EXTENSIONS

from mmqcs.expressions import class_spellings

from .folders import subfolders

__all__ = ['coded_sources', 'find_coded_images']

_SHOWN = 3  # names in a warning


def coded_sources(root: Path, names: Sequence[str], pattern: re.Pattern) -> list[Path]:
    """Return the folders that may hold coded images.

    Args:
        root: Root folder.
        names: Usual names of the folder of all images, in lower case.
        pattern: Matches the stem of a coded image.

    Returns:
        Subfolders of the root with such a name, and the root itself if it has a coded
        image up to two folders deep. If there are none, the paths that were tried.
    """
    there = subfolders(root)
    found = [path for path in there if path.name.lower() in names]
    deeper = [inner for folder in there for inner in subfolders(folder)]
    if any(
        pattern.fullmatch(file.stem)
        for folder in (root, *there, *deeper)
        for file in _images(folder)
    ):
        found.append(root)
    return found or [root / name for name in names]


def find_coded_images(
    folder: Path, pattern: re.Pattern, classes: Sequence[str], codes: Sequence[str]
) -> Iterator[tuple[Path, int, re.Match]]:
    """Find all images below a folder whose stem is a code.

    Other images are left out, with a warning that names some of them.

    Args:
        folder: Folder to search, including its subfolders.
        pattern: Matches the stem; its group ``expression`` is one of ``codes``.
        classes: Class names.
        codes: Code of each class, in upper case.

    Yields:
        File, class number and match, sorted by stem.

    Raises:
        ValueError: Two files have the same stem, or a file is in the folder of another
            class than its code.
    """
    labels = class_spellings(classes)
    found: dict[str, tuple[Path, int, re.Match]] = {}
    unknown = []
    for file in _walk(folder):
        match = pattern.fullmatch(file.stem)
        if match is None:
            unknown.append(file)
            continue
        label = codes.index(match['expression'].upper())
        if labels.get(file.parent.name.lower(), label) != label:
            raise ValueError(
                f'{file}: the name says {classes[label]}, the folder says '
                f'{file.parent.name}. Move the file to the right folder'
            )
        key = file.stem.upper()
        if key in found:
            raise ValueError(
                f'{file} and {found[key][0]} are the same image. Keep one of them'
            )
        found[key] = file, label, match
    if unknown:
        print_log(
            f'{folder}: {len(unknown):,} images are left out because their names are '
            f'not codes: {", ".join(str(file) for file in unknown[:_SHOWN])}'
            f'{", ..." if len(unknown) > _SHOWN else ""}',
            logger='current',
            level=logging.WARNING,
        )
    yield from (found[key] for key in sorted(found))


def _walk(folder: Path) -> Iterator[Path]:
    yield from _images(folder)
    for inner in subfolders(folder):
        yield from _walk(inner)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in IMG_EXTENSIONS
        and not file.name.startswith('.')
        and file.is_file()
    )
