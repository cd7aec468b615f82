"""MTCNN, a face detector with five points per face, computed in PyTorch."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import batched_nms, roi_align

from .face import Face, largest_first, reduce_to
from .mtcnn_networks import load_networks, normalise

_CELL = 12  # side of the windows of the proposal network
_STEP = 0.709  # between two scales of the pyramid: half the area
_PROPOSAL_THR, _REFINE_THR = 0.6, 0.7
_PIXELS = 2**22  # maximum number of pixels that go through the proposal network at once
_WINDOWS = 2**15  # maximum number of windows per image and scale
_CROPS = 1024  # maximum number of crops that go through a network at once


class MTCNNDetector:
    """Finds faces and their points with MTCNN, without a download.

    Three networks look at windows of an image pyramid, reject most of them, and refine
    the others (Zhang et al., Joint Face Detection and Alignment Using Multitask
    Cascaded Convolutional Networks, 2016). The weights come from the package ``mtcnn``.
    Images of the same size, such as the frames of a video, are processed together. The
    last network sees each face twice, the second time mirrored, and the results are
    averaged, which separates faces better from other things.

    Args:
        score_thr: Minimum score of a face, from 0 to 1.
        min_size: Side of the smallest faces to find, in pixels, after the reduction to
            ``max_side``; at least 12. The time grows with its inverse square.
        max_side: Images with a longer side are reduced to this for detection.
        device: Device of the networks. Defaults to a GPU if there is one.

    Raises:
        ImportError: The package ``mtcnn`` is missing.
        ValueError: An argument is out of range.

    Examples:
        >>> image = cv2.imread('group.png')
        >>> faces = MTCNNDetector().detect(image)
        >>> [face.points.shape for face in faces]
        [(5, 2), (5, 2), (5, 2)]
    """

    def __init__(
        self,
        score_thr: float = 0.85,
        min_size: int = 20,
        max_side: int = 1280,
        device: str | torch.device | None = None,
    ) -> None:
        if not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must be from 0 to 1, got {score_thr}')
        if not min_size >= _CELL:
            raise ValueError(
                f'min_size must be at least {_CELL} pixels, got {min_size}; enlarge '
                f'the image to find smaller faces'
            )
        if max_side < 64:
            raise ValueError(f'max_side must be at least 64, got {max_side}')
        self.score_thr = score_thr
        self.min_size = min_size
        self.max_side = max_side
        self.device = torch.device(
            device or ('cuda' if torch.cuda.is_available() else 'cpu')
        )
        self.pnet, self.rnet, self.onet = (x.to(self.device) for x in load_networks())

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""
        return self.detect_batch([image])[0]

    def detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Find the faces of several images; those of the same size together."""
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            groups[image.shape].append(index)
        parts = []
        for (height, width, _), indices in groups.items():
            side = min(max(height, width), self.max_side)
            # on a CPU, one image at a time stays in the cache
            count = 1 if self.device.type == 'cpu' else max(_PIXELS // side**2, 1)
            starts = range(0, len(indices), count)
            parts += [indices[start : start + count] for start in starts]
        found: list[list[Face]] = [[] for _ in images]
        stacks = [[images[i] for i in part] for part in parts]
        for part, faces in zip(parts, self._detect_parts(stacks), strict=True):
            for index, some in zip(part, faces, strict=True):
                height, width = images[index].shape[:2]
                found[index] = largest_first(some, width, height)
        return found

    def _detect_parts(
        self, stacks: Sequence[Sequence[np.ndarray]]
    ) -> list[list[list[Face]]]:
        """Find the faces of several stacks of images, on a CPU in parallel."""
        threads = torch.get_num_threads()
        if self.device.type != 'cpu' or min(threads, len(stacks)) < 2:
            return [self._detect_same(stack) for stack in stacks]
        # operations are too small to be shared by threads: each thread has an image
        options: dict = {'initializer': torch.set_num_threads, 'initargs': (1,)}
        with ThreadPoolExecutor(threads, **options) as pool:
            found = list(pool.map(self._detect_same, stacks))
        # the threads also changed the number for threads that start later
        torch.set_num_threads(threads)
        return found

    @torch.inference_mode()
    def add_points(self, image: np.ndarray, faces: Sequence[Face]) -> list[Face]:
        """Find the points of faces that another detector found, by their boxes.

        Faces in which the last network sees no face stay as they are.

        Args:
            image: BGR, uint8 (H, W, 3).
            faces: Faces of the image.
        """
        if not faces:
            return []
        pixels, scale = self._stack([image])
        stack = normalise(pixels.float())
        boxes = np.stack([face.box for face in faces]) / np.tile(scale, 2)
        rows = F.pad(torch.from_numpy(boxes).to(stack), (1, 1))
        _, scores, points = self._look(stack, rows)
        points = points.cpu().double().numpy() * scale - 0.5
        return [
            replace(face, points=five) if score >= self.score_thr else face
            for face, five, score in zip(faces, points, scores.tolist(), strict=True)
        ]

    @torch.inference_mode()
    def _detect_same(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Find the faces of images of the same size."""
        pixels, scale = self._stack(images)
        windows = self._propose(pixels)
        stack = normalise(pixels.float().contiguous())
        rows, points = self._finish(stack, self._refine(stack, windows))
        faces: list[list[Face]] = [[] for _ in images]
        # from edges of pixels to their centres
        points = points.cpu().double().numpy() * scale - 0.5
        for row, five in zip(rows.cpu().double().numpy(), points, strict=True):
            box = row[1:5] * np.tile(scale, 2)
            faces[int(row[0])].append(Face(box, float(row[5]), five))
        return faces

    def _stack(self, images: Sequence[np.ndarray]) -> tuple[Tensor, np.ndarray]:
        """Return pixels, (N, 3, h, w), and (2,) to scale x and y."""
        reduced = [reduce_to(image, self.max_side)[0] for image in images]
        rgb = np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image in reduced])
        scale = np.array(images[0].shape[1::-1]) / reduced[0].shape[1::-1]
        # On a CPU, bytes with the channels last are resized five times as fast as
        # floats; on a GPU they cannot be resized.
        pixels = torch.from_numpy(rgb).to(self.device).permute(0, 3, 1, 2)
        return pixels.float() if pixels.is_cuda else pixels, scale

    def _propose(self, images: Tensor) -> Tensor:
        """Return windows that may be faces.

        Args:
            images: Pixels, (N, 3, H, W).

        Returns:
            Rows (K, 6) of image, left, top, right, bottom, score.
        """
        height, width = images.shape[2:]
        scale = _CELL / self.min_size
        found, small = [torch.empty(0, 6, device=images.device)], images
        while min(height, width) * scale >= _CELL:
            sides = round(height * scale), round(width * scale)
            # from the scale before: the antialiasing of a large step is slow
            small = F.interpolate(
                small, sides, mode='bilinear', antialias=True, align_corners=False
            )
            offsets, scores = self.pnet(_channels_last(normalise(small.float())))
            for index in range(len(images)):
                kept = scores[index] >= _PROPOSAL_THR
                values = scores[index][kept]
                rows, columns = kept.nonzero().T
                shift = offsets[index][:, kept].T
                if len(values) > _WINDOWS:
                    values, best = values.topk(_WINDOWS)
                    rows, columns, shift = rows[best], columns[best], shift[best]
                corner = 2 * torch.stack([columns, rows], 1)
                boxes = torch.cat([corner, corner + _CELL], 1) + shift * _CELL
                ratio = (width / sides[1], height / sides[0]) * 2
                boxes = boxes * boxes.new_tensor(ratio)
                image = torch.full_like(values, index)[:, None]
                found.append(
                    _suppress(torch.cat([image, boxes, values[:, None]], 1), 0.5)
                )
            scale *= _STEP
        return _suppress(torch.cat(found), 0.7)

    def _refine(self, images: Tensor, rows: Tensor) -> Tensor:
        """Let the second network reject and refine windows (K, 6)."""
        found = [images.new_empty(0, 6)]
        for part in _squared(rows).split(_CROPS):
            shift, scores = self.rnet(_crops(images, part, 24))
            moved = torch.cat([part[:, :1], _moved(part, shift), scores[:, None]], 1)
            found.append(moved[scores >= _REFINE_THR])
        return _suppress(torch.cat(found), 0.7)

    def _finish(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Let the third network choose faces (K, 6) and find points (K, 5, 2)."""
        boxes, scores, points = self._look(images, rows)
        found = torch.cat([rows[:, :1], boxes, scores[:, None]], 1)
        sure = scores >= self.score_thr
        found, points = found[sure], points[sure]
        kept = _chosen(found, 0.5)
        return found[kept], points[kept]

    def _look(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes, scores and points of the third network for boxes (K, 6)."""
        found = []
        for part in _squared(rows).split(_CROPS):
            shift, scores, five = _mirrored(self.onet, _crops(images, part, 48))
            corner, sides = part[:, None, 1:3], part[:, None, 3:5] - part[:, None, 1:3]
            found.append((_moved(part, shift), scores, corner + five * sides))
        boxes, odds, points = map(torch.cat, zip(*found, strict=True))
        return boxes, odds, points


def _mirrored(onet: nn.Module, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean results of the third network for crops and their mirror images.

    The mean score is that of the mean log-odds.
    """
    shift, scores, points = onet(crops)
    other, mirrored_scores, mirrored = onet(crops.flip(3))
    other = other[:, [2, 1, 0, 3]] * other.new_tensor([-1, 1, -1, 1])
    mirrored = mirrored[:, [1, 0, 2, 4, 3]]
    mirrored = torch.stack([1 - mirrored[..., 0], mirrored[..., 1]], 2)
    odds = scores.logit(1e-6) + mirrored_scores.logit(1e-6)
    return (shift + other) / 2, (odds / 2).sigmoid(), (points + mirrored) / 2


def _moved(rows: Tensor, shift: Tensor) -> Tensor:
    """Move the sides of boxes, rows (K, 6), by fractions (K, 4) of their sides."""
    sides = (rows[:, 3:5] - rows[:, 1:3]).repeat(1, 2)
    return rows[:, 1:5] + shift * sides


def _squared(rows: Tensor) -> Tensor:
    """Enlarge boxes, rows (K, 6), to squares with the same centre."""
    centre = (rows[:, 1:3] + rows[:, 3:5]) / 2
    half = (rows[:, 3:5] - rows[:, 1:3]).amax(1, keepdim=True) / 2
    return torch.cat([rows[:, :1], centre - half, centre + half, rows[:, 5:]], 1)


def _crops(images: Tensor, rows: Tensor, size: int) -> Tensor:
    """Crop boxes, rows (K, 6), and resize them: (K, 3, size, size)."""
    boxes = rows[:, :5].contiguous()
    crops = roi_align(images, boxes, size, sampling_ratio=2, aligned=True)
    return _channels_last(crops)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def _chosen(rows: Tensor, threshold: float) -> Tensor:
    """Return the indices of boxes, rows (K, 6), without those that overlap better."""
    return batched_nms(rows[:, 1:5], rows[:, 5], rows[:, 0], threshold)


def _suppress(rows: Tensor, threshold: float) -> Tensor:
    return rows[_chosen(rows, threshold)]
