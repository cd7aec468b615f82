"""Lists inputs: files, contents of folders, and matches of wildcards."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeGuard

import numpy as np
from PIL import Image

from .files import ImageError
from .read_image import Frame, open_image
from .videos import is_video

Input = str | Path | bytes | BinaryIO | Image.Image | np.ndarray | int
"""Path of an image, a video or a folder; encoded image as bytes or an open file; Pillow
image; BGR array; number of a camera."""

Inputs = Input | Frame | Iterable[Input | Frame]

_IMAGES = (
    'avif bmp dib gif heic heif hif icb j2k jfif jp2 jpe jpeg jpf jpg jpx mpo pbm pcx '
    'pgm png pnm ppm psd qoi ras sgi tga tif tiff vda vst webp'
)
_VIDEOS = (
    '3g2 3gp asf avi flv m2t m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf ogg ogv rm rmvb '
    'ts vob webm wmv'
)
IMAGE_SUFFIXES = frozenset(f'.{name}' for name in _IMAGES.split(' '))
_SUFFIXES = IMAGE_SUFFIXES.union(f'.{name}' for name in _VIDEOS.split(' '))


def expand(
    inputs: Inputs, left_out: Counter[str] | None = None
) -> Iterator[Input | Frame]:
    """List inputs, and replace folders and wildcards by files.

    A folder is replaced by all images and videos in it and its subfolders, sorted by
    name. Files are recognised by their content. Files with the name of an image or a
    video but other content are listed as well, so that reading them reports the error.

    Inputs that cannot be listed become frames with an ``error``, which this function
    also accepts. Files left out of folders are counted in ``left_out`` by kind.

    Raises:
        TypeError: An input has an unknown type.
    """
    if _is_input(inputs) or not isinstance(inputs, Iterable):
        inputs = [inputs]
    left_out = Counter() if left_out is None else left_out
    for item in inputs:
        if isinstance(item, (str, Path)):
            yield from _expand_path(item, left_out)
        elif isinstance(item, (bytearray, memoryview)):
            yield bytes(item)
        elif isinstance(item, Frame) or _is_input(item):
            yield item
        else:
            raise TypeError(
                f'an input must be a path, the bytes of an image, an open file, a '
                f'Pillow image, a BGR array, the number of a camera, or a list of '
                f'these; got {type(item).__name__}'
            )


def describe_left_out(left_out: Counter[str]) -> list[str]:
    """Describe the files that :func:`expand` left out of folders, one line per kind."""
    endings = Counter({x: n for x, n in left_out.items() if x[:1] in ('', '.')})
    lines = []
    if endings:
        first = sorted(endings.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
        names = [f'{n} {x or "without an ending"}' for x, n in first]
        names += ['...'] * (len(endings) > 10)
        noun = 'file' if endings.total() == 1 else 'files'
        kinds = f'{noun} of unknown format ({", ".join(names)})'
        lines = [f'left out: {endings.total()} {kinds}']
    others = left_out.keys() - endings.keys()
    return lines + [f'left out: {x} ({left_out[x]})' for x in sorted(others)]


def _is_input(item: object) -> TypeGuard[Input]:
    known = (str, Path, bytes, bytearray, memoryview, Image.Image, np.ndarray, int)
    fits = isinstance(item, known) and not isinstance(item, bool)
    return fits or hasattr(item, 'read')


def _expand_path(
    path: str | Path, left_out: Counter[str]
) -> Iterator[str | Path | Frame]:
    if os.path.isdir(path):
        yield from _list_folder(Path(path), left_out)
    elif re.match(r'[A-Za-z][A-Za-z0-9+.-]+:/', str(path)):
        reason = f'{path} is a URL: nothing is downloaded, use a local file'
        yield Frame(str(path), error=ImageError(reason))
    elif os.path.lexists(path) or not glob.has_magic(str(path)):
        yield path
    else:
        found = sorted(glob.glob(str(path), recursive=True))
        if not found:
            reason = f'no file matches the wildcard {path}'
            yield Frame(str(path), error=FileNotFoundError(reason))
        for name in found:
            yield from _expand_path(name, left_out)


def _list_folder(folder: Path, left_out: Counter[str]) -> Iterator[str | Path | Frame]:
    found: list[tuple[Path, Path | Frame]] = []

    def report(error: OSError) -> None:
        path = Path(error.filename)
        reason = f'the folder {path} cannot be read: {error.strerror}'
        found.append((path, Frame(str(path), error=ImageError(reason))))

    unknown: Counter[str] = Counter()
    for place, folders, names in os.walk(folder, onerror=report):
        unknown['links to folders'] += sum(
            os.path.islink(os.path.join(place, name)) for name in folders
        )
        path = Path(place)
        if not folders and not names and path.suffix.lower() in _SUFFIXES:
            reason = f'{path} is an empty folder, not an image or a video'
            found.append((path, Frame(place, error=ImageError(reason))))
        for path in (Path(place, name) for name in names):
            if path.name.startswith('._'):  # metadata of macOS
                unknown['files ._* of macOS'] += 1
            elif path.suffix.lower() in _SUFFIXES or _is_known(path):
                found.append((path, path))
            else:
                special = 'special files or broken links'
                unknown[path.suffix.lower() if path.is_file() else special] += 1
    left_out += unknown
    yield from (item for _, item in sorted(found, key=lambda pair: pair[0]))
    if not found:
        lines = describe_left_out(+unknown)
        reason = '; '.join([f'no images or videos in the folder {folder}', *lines])
        yield Frame(str(folder), error=FileNotFoundError(reason))


def _is_known(path: Path) -> bool:
    """Return whether a file is an image or a video, by its content."""
    try:
        if is_video(path):
            return True
        with open_image(path, str(path)):
            return True
    except (ImageError, FileNotFoundError):
        return False
