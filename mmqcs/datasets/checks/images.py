"""Checks of the images of several splits: readable, and each in one split only."""

import hashlib
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.fileio import get

from .near_duplicates import find_copies, thumbnail

EXAMPLES = 20
"""Largest number of examples in a report."""


class CheckedImage(NamedTuple):
    """Result of reading one image. Size and thumbnail are None if it cannot be read."""

    path: str
    size: tuple[int, int] | None = None  # (height, width)
    digest: bytes = b''  # SHA-256 of the file
    error: str = ''  # why it cannot be read
    thumbnail: np.ndarray | None = None  # grey levels, uint8 (32, 32)


def check_images(paths: Sequence[str], workers: int) -> Iterator[CheckedImage]:
    """Read images in parallel, in order, through MMEngine as a pipeline does."""
    cv2.setNumThreads(1)  # a forked process cannot stop the threads of its parent
    with ProcessPoolExecutor(workers, initializer=_start_worker) as pool:
        try:
            yield from pool.map(_check_image, paths, chunksize=64)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process handles Ctrl-C


def _check_image(path: str) -> CheckedImage:
    try:
        content = bytes(get(path))
    except FileNotFoundError:
        return CheckedImage(path, error='missing')
    except Exception as error:
        return CheckedImage(path, error=f'{type(error).__name__}: {error}')
    digest = hashlib.sha256(content).digest()
    if not content:
        return CheckedImage(path, digest=digest, error='the file is empty')
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return CheckedImage(path, digest=digest, error='not an image')
    return CheckedImage(path, image.shape[:2], digest, '', thumbnail(image))


def count_problems(split: str, images: Sequence[CheckedImage]) -> list[str]:
    """Return a line on the unreadable images of a split, and examples."""
    bad = [image for image in images if image.error]
    if not bad:
        return []
    missing = sum(image.error == 'missing' for image in bad)
    return [
        f'{split}: {len(bad):,} images cannot be read, {missing:,} of them are missing',
        *(f'  {image.path}: {image.error}' for image in bad[:EXAMPLES]),
    ]


def split_overlap(
    first: str,
    second: str,
    first_images: Sequence[CheckedImage],
    second_images: Sequence[CheckedImage],
) -> list[str]:
    """Describe images of a split that another split has as well.

    Files that serve as both validation and test images are not reported. Identical
    files come first, then re-encoded or mirrored copies.
    """
    references = [image for image in first_images if image.size]
    seen = {image.digest: image.path for image in references}
    rest, same = [], []
    for image in second_images:
        if not image.size:
            continue
        if image.digest not in seen:
            rest.append(image)
        elif first == 'train' or seen[image.digest] != image.path:
            same.append(f'  {image.path} is {seen[image.digest]}')
    found = find_copies(
        np.array([image.thumbnail for image in rest]),
        np.array([image.thumbnail for image in references]),
    )
    similar = [
        f'  {rest[i].path} shows {references[j].path}{" mirrored" if mirrored else ""}'
        for i, j, mirrored in found
    ]
    lines = []
    for examples, what in (
        (same, f'are in {first} as well'),
        (similar, f'are copies of images in {first}, re-encoded or mirrored'),
    ):
        if examples:
            lines.append(f'{second}: {len(examples):,} images {what}')
            lines += examples[:EXAMPLES]
            if len(examples) > EXAMPLES:
                lines.append(f'  and {len(examples) - EXAMPLES:,} more')
    return lines
