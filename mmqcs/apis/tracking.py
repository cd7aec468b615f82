"""Follows faces over the frames of a video, and smooths their scores.

Faces of two frames are matched by the overlap of their boxes, as in Bewley et al.,
"Simple online and realtime tracking" (ICIP 2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torchvision.ops import box_iou

from .results import FaceExpression, ImageResult

GAP = 1.0
"""A face that is not found for up to this many seconds keeps its number. It may always
be missing from one frame to the next, however far apart they are."""

SMOOTHING = 0.5
"""Time constant of the exponential mean of scores, in seconds."""

LEAST_OVERLAP = 0.2
"""Minimum intersection over union of the boxes of a face in consecutive frames."""

CUT = 0.25
"""Minimum of :func:`scene_change` at a cut."""

_MOTION = 0.2
"""Time constant of the mean velocity of a face, in seconds."""

_THUMBNAIL = (32, 32)


def match_boxes(
    overlaps: np.ndarray, least: float = LEAST_OVERLAP
) -> list[tuple[int, int]]:
    """Match rows to columns so that the sum of the matched overlaps is maximal.

    Args:
        overlaps: Overlap of each former box with each new box, (N, M), from 0 to 1.
        least: Boxes that overlap less are never matched.

    Returns:
        Pairs of a row and a column, by row.

    Examples:
        >>> match_boxes(np.array([[0.9, 0.8], [0.7, 0.1]]))
        [(0, 1), (1, 0)]
    """
    valid = np.where(overlaps >= least, overlaps, 0.0)
    pairs = zip(*linear_sum_assignment(valid, maximize=True), strict=True)
    return [(int(i), int(j)) for i, j in pairs if valid[i, j] > 0]


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return an image as 32×32 grey values without their mean, float32."""
    small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return grey - grey.mean()


def scene_change(before: np.ndarray, after: np.ndarray) -> float:
    """Return how much two thumbnails differ, from 0 to 1.

    The measure is half of 1 minus their correlation, so neither brightness nor contrast
    has an influence. Unrelated images have about 0.5.

    Examples:
        >>> face = thumbnail(cv2.imread('face.png'))
        >>> scene_change(face, face), scene_change(face, -face) > 0.9
        (0.0, True)
    """
    noise = 16.0 * before.size  # a variance, so that noise in the dark is no change
    one, other = before.ravel().astype(float), after.ravel().astype(float)
    sizes = (one @ one + noise) * (other @ other + noise)
    return max(float(1 - (one @ other + noise) / np.sqrt(sizes)) / 2, 0.0)


@dataclass
class _Track:
    """A face that is followed."""

    number: int
    box: np.ndarray  # where it was seen last
    time: float
    velocity: np.ndarray  # of the box, in pixels per second
    scores: np.ndarray  # smoothed
    frames: int = 1

    def predict(self, time: float) -> np.ndarray:
        return self.box + self.velocity * (time - self.time)

    def move(self, box: np.ndarray, time: float) -> None:
        step = time - self.time
        # both corners move alike, or the box would grow when it is extrapolated
        motion = np.tile((box - self.box).reshape(2, 2).mean(0), 2) / step
        share = _share(step, _MOTION, self.frames)
        self.velocity = self.velocity + share * (motion - self.velocity)
        self.box, self.time = box, time

    def smooth(self, scores: np.ndarray, step: float) -> None:
        share = _share(step, SMOOTHING, self.frames + 1)
        self.scores = self.scores + share * (scores - self.scores)
        self.frames += 1


def _share(step: float, constant: float, count: int) -> float:
    """Return the weight of the newest of ``count`` values in an exponential mean.

    The first values are averaged equally, so that the very first has no advantage.
    """
    return max(1 - np.exp(-step / constant), 1 / count)


class FaceTracker:
    """Gives the faces of a video numbers that they keep, and smooths their scores.

    Results of images and pages, which have no time, stay as they are. Another video
    starts again at 1; within a video, no number is given twice. Cuts end all tracks.

    Args:
        smooth: Whether to smooth the scores of each track by an exponential mean with
            the time constant :data:`SMOOTHING`. Labels are those of the smoothed
            scores.

    Examples:
        >>> from mmqcs.faces import Face
        >>> tracker, scores = FaceTracker(), np.array([0.2, 0.8])
        >>> for time in (0.0, 0.1):
        ...     face = Face(np.array([10 + 20 * time, 20, 50, 70]), score=0.9)
        ...     found = (FaceExpression(face, 1, 'Happy', scores),)
        ...     frame = ImageResult('film.mp4', ('Sad', 'Happy'), found, time=time)
        ...     print(tracker.update(frame).faces[0].track)
        1
        1
    """

    def __init__(self, smooth: bool = True) -> None:
        self.smooth = smooth
        self._previous: ImageResult | None = None
        self._start()

    def _start(self) -> None:
        self._tracks: list[_Track] = []
        self._last_number = 0
        self._thumbnail: np.ndarray | None = None
        self._change = 0.0  # mean of the last changes

    def update(self, result: ImageResult) -> ImageResult:
        """Return a result with numbers and smoothed scores.

        Results must be given in order, with their images, without which no cut is seen.
        """
        if result.time is None:
            return result
        if self._previous is None or not result.continues(self._previous):
            self._start()
        if result.image is not None and self._is_cut(result.image):
            self._tracks = []
        self._end_tracks(result.time)
        self._previous = result.without_image()
        found = [np.asarray(item.face.box, float) for item in result.faces]
        matched = {j: self._tracks[i] for i, j in self._match(found, result.time)}
        faces = []
        for index, item in enumerate(result.faces):
            track = matched.get(index)
            if track is None:
                track = self._new_track(item, result.time)
            else:
                step = result.time - track.time
                track.move(found[index], result.time)
                track.smooth(np.asarray(item.scores, float), step)
            faces.append(self._named(item, track, result.classes))
        return replace(result, faces=tuple(faces))

    def _match(self, boxes: Sequence[np.ndarray], time: float) -> list[tuple[int, int]]:
        """Match tracks to boxes by their last and by their expected place."""
        if not self._tracks or not boxes:
            return []
        new = torch.from_numpy(np.stack(boxes))
        last = torch.from_numpy(np.stack([track.box for track in self._tracks]))
        moved = [track.predict(time) for track in self._tracks]
        expected = torch.from_numpy(np.stack(moved))
        overlaps = torch.maximum(box_iou(last, new), box_iou(expected, new))
        return match_boxes(overlaps.numpy())

    def _end_tracks(self, time: float) -> None:
        """End the tracks of faces that were missing for too long."""
        before = None if self._previous is None else self._previous.time
        self._tracks = [
            track
            for track in self._tracks
            if track.time == before or time - track.time <= GAP
        ]

    def _new_track(self, item: FaceExpression, time: float) -> _Track:
        self._last_number += 1
        box, scores = np.asarray(item.face.box, float), np.asarray(item.scores, float)
        track = _Track(self._last_number, box, time, np.zeros(4), scores)
        self._tracks.append(track)
        return track

    def _named(
        self, item: FaceExpression, track: _Track, classes: Sequence[str]
    ) -> FaceExpression:
        if not self.smooth:
            return replace(item, track=track.number)
        label = int(track.scores.argmax())
        return FaceExpression(
            item.face, label, classes[label], track.scores, track.number, item.scores
        )

    def _is_cut(self, image: np.ndarray) -> bool:
        """Return whether a frame differs more from the last than those before."""
        before, self._thumbnail = self._thumbnail, thumbnail(image)
        if before is None:
            return False
        change = scene_change(before, self._thumbnail)
        cut = change > max(CUT, 2 * self._change)
        # what follows a cut says nothing about motion before it
        self._change = 0.0 if cut else (self._change + change) / 2
        return cut
