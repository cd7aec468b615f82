"""Checks of whole datasets: unreadable images, and copies across splits."""

import hashlib
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmengine.fileio import get

EXAMPLES = 20
"""Largest number of examples in a report."""

_SIDE = 32
_BLOCKS = 8
# Re-encoding changes an image slightly everywhere; another expression of the same face
# changes it in few places. So the largest local difference is limited to a constant
# plus a multiple of the mean difference. These values accept JPEG of quality 30 for
# faces of 64 pixels or more and of quality 50 for 48 pixels, but no two expressions of
# one rendered face.
_LARGEST, _TIMES_MEAN = 4.0, 3.0
_LARGEST_MEAN = 2.5
_LEAST_CORRELATION = 0.98
_RADIUS = 4 * _BLOCKS  # RMS difference of 4 grey levels between block means
_CHUNK = 64  # queries compared with all references at once


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


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Shrink a BGR image, uint8 (H, W, 3), to grey levels, uint8 (32, 32)."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def find_copies(
    queries: np.ndarray, references: np.ndarray
) -> list[tuple[int, int, bool]]:
    """Find thumbnails, uint8 (N, 32, 32), of the same image, re-encoded or mirrored.

    Images of a single colour never count as copies. Returns (query, most similar
    reference, mirrored) for each query that is a copy.
    """
    if not len(queries) or not len(references):
        return []
    means = _block_means(references)
    best: dict[int, tuple[float, int, bool]] = {}
    for mirrored in (False, True):
        views = np.flip(queries, 2) if mirrored else queries
        for start, chunk in enumerate(_block_means(views).split(_CHUNK)):
            near = torch.nonzero(torch.cdist(chunk, means) <= _RADIUS)
            for row, reference in near.tolist():
                query = start * _CHUNK + row
                difference = _difference(views[query], references[reference])
                if difference is not None:
                    found = (difference, reference, mirrored)
                    best[query] = min(best.get(query, found), found)
    return [(query, *best[query][1:]) for query in sorted(best)]


def _block_means(thumbnails: np.ndarray) -> torch.Tensor:
    side = _SIDE // _BLOCKS
    blocks = thumbnails.reshape(-1, _BLOCKS, side, _BLOCKS, side)
    means = blocks.mean(axis=(2, 4), dtype=np.float32)
    return torch.from_numpy(means.reshape(len(thumbnails), -1))


def _difference(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return the mean local difference of copies, or None for other images."""
    one, other = one.astype(np.float32), other.astype(np.float32)
    local = np.abs(cv2.blur(one - other, (3, 3)))
    mean = float(local.mean())
    limit = _LARGEST + _TIMES_MEAN * mean
    if mean > _LARGEST_MEAN or local.max() > limit or not one.std() or not other.std():
        return None
    correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    return mean if correlation >= _LEAST_CORRELATION else None
