"""Copies of images that were re-encoded or mirrored."""

import cv2
import numpy as np
import torch

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
