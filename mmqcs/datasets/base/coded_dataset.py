"""Base of the datasets whose file names encode subject and expression."""

import logging
import re
from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmqcs.datasets.readers.folders import subfolders
from mmqcs.datasets.readers.listings import Sample, image_names
from mmqcs.expressions import class_spellings

from .folded_dataset import FoldedDataset
from .layouts import Layout

_SHOWN = 3  # names in a warning


class CodedDataset(FoldedDataset, ABC):
    """Base of the datasets whose file names encode subject and expression.

    The images can be in any subfolders and in any image format. The folds divide the
    subjects. Images without a code are left out, with a warning.

    Raises:
        ValueError: Two files have the same stem, or a file is in the folder of another
            class than its code.
    """

    NAME: re.Pattern
    """Pattern of the stem with the groups ``subject`` and ``expression``; all other
    groups become entries of the data info as well."""
    CODES: tuple[str, ...]
    """Code of each class, in upper case."""
    FOLDERS: tuple[str, ...]
    """Usual names of the folder of all images, in lower case."""
    TREE: str
    """The expected directory tree."""

    def layouts(self, root: Path) -> Sequence[Layout]:
        """See the base class."""
        there = subfolders(root)
        found = [path for path in there if path.name.lower() in self.FOLDERS]
        deeper = [inner for folder in there for inner in subfolders(folder)]
        files = (f for folder in (root, *there, *deeper) for f in _images(folder))
        if any(self.NAME.fullmatch(file.stem) for file in files):
            found.append(root)
        sources = found or [root / name for name in self.FOLDERS]
        return (Layout('names', sources, self._read, self.TREE),)

    def wanted(self, info: Mapping[str, str]) -> bool:
        """Return whether to read an image, given the groups of its name."""
        return True

    def _read(self, source: Path) -> Iterator[Sample]:
        images = self._find(source)
        subjects = self.groups_of_split(sample.extra['subject'] for sample in images)
        for sample in images:
            if sample.extra['subject'] in subjects and self.wanted(sample.extra):
                yield sample

    def _find(self, source: Path) -> list[Sample]:
        """Return all images with a code, sorted by stem."""
        classes = self.METAINFO['classes']
        labels = class_spellings(classes)
        found: dict[str, Sample] = {}
        unknown = []
        for file in _walk(source):
            match = self.NAME.fullmatch(file.stem)
            if match is None:
                unknown.append(str(file))
                continue
            info = {name: text.upper() for name, text in match.groupdict().items()}
            label = self.CODES.index(info.pop('expression'))
            if labels.get(file.parent.name.lower(), label) != label:
                raise ValueError(
                    f'{file}: the name says {classes[label]}, the folder says '
                    f'{file.parent.name}. Move the file to the right folder'
                )
            sample = Sample(str(file), label, str(file), listed=True, extra=info)
            earlier = found.setdefault(file.stem.upper(), sample)
            if earlier is not sample:
                raise ValueError(
                    f'{file} and {earlier.path} are the same image. Keep one of them'
                )
        if unknown:
            more = ', ...' if len(unknown) > _SHOWN else ''
            print_log(
                f'{source}: {len(unknown):,} images are left out because their names '
                f'are not codes: {", ".join(unknown[:_SHOWN])}{more}',
                logger='current',
                level=logging.WARNING,
            )
        return [found[key] for key in sorted(found)]


def _walk(folder: Path) -> Iterator[Path]:
    yield from _images(folder)
    for inner in subfolders(folder):
        yield from _walk(inner)


def _images(folder: Path) -> list[Path]:
    return [folder / name for name in image_names(folder)] if folder.is_dir() else []
