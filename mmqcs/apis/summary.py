"""Sums up the results of a video: how long each face has each expression."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .results import ImageResult

INTERVALS = 500
"""Maximum number of intervals of a timeline."""

SHORTEST = 0.1
"""Length of the intervals of a short video in seconds."""

LONGEST_FACES = 20
"""Number of faces in a timeline: those that are seen longest."""

_TIMELINES = 200  # that are kept in memory


@dataclass
class _Face:
    """Times of one face, in seconds."""

    first: float
    last: float
    seconds: np.ndarray  # for each class
    intervals: dict[int, np.ndarray] = field(default_factory=dict)


class Timeline(NamedTuple):
    """Arguments of :func:`mmqcs.visualization.timeline_figure`."""

    seconds: np.ndarray
    """(faces, intervals, classes)."""
    width: float
    """Length of an interval in seconds."""
    names: list[str]
    classes: Sequence[str]


class VideoSummary:
    """Share of time for each expression, for each face and for the whole video.

    Each frame counts until the next one, and the last one as long as the one before.
    Memory is constant in the length of a video, except for some numbers for each face.

    Args:
        source: Name of the video.
        classes: Class names.

    Examples:
        >>> from mmqcs.apis import FERInferencer
        >>> infer = FERInferencer('work_dirs/qcs.pth', faces='none')
        >>> summary = VideoSummary('film.mp4', infer.classes)
        >>> for result in infer.stream('film.mp4'):
        ...     summary.add(result)
        >>> summary.finish()
        >>> round(summary.seconds, 1), summary.frames
        (0.3, 3)
        >>> sorted(summary.to_dict()['faces'][0])[:3]
        ['expressions', 'first', 'last']
    """

    def __init__(self, source: str, classes: Sequence[str]) -> None:
        self.source = source
        self.classes = tuple(classes)
        self.frames = 0
        self.seconds = 0.0
        self.seconds_with_faces = 0.0
        self._faces: dict[int, _Face] = {}
        self._width = SHORTEST
        self._waiting: ImageResult | None = None
        self._step: float | None = None

    def add(self, result: ImageResult) -> None:
        """Add the next frame; results without a time, such as errors, do not count."""
        if result.time is None:
            return
        if self._waiting is not None and self._waiting.time is not None:
            self._step = result.time - self._waiting.time
            self._count(self._waiting, self._step)
        self.frames += 1
        self._waiting = result.without_image()

    def finish(self) -> None:
        """Count the last frame."""
        last, self._waiting = self._waiting, None
        if last is not None:
            self._count(last, self._step or 1 / (last.rate or 25.0))

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for JSON: times in seconds, shares from 0 to 1."""
        total = sum((x.seconds for x in self._faces.values()), np.zeros(1))
        return {
            'source': self.source,
            'frames': self.frames,
            'seconds': round(self.seconds, 3),
            'seconds_with_faces': round(self.seconds_with_faces, 3),
            'expressions': self._shares(total),
            'faces': [
                {
                    'track': number,
                    'first': round(face.first, 3),
                    'last': round(face.last, 3),
                    'seconds': round(float(face.seconds.sum()), 3),
                    'expressions': self._shares(face.seconds),
                }
                for number, face in sorted(self._faces.items())
            ],
        }

    def rows(self) -> list[list[Any]]:
        """Return rows of a table, the last for all faces together; none without faces.

        The columns are number, first and last time, seconds, and shares.
        """
        record = self.to_dict()
        times = ('track', 'first', 'last', 'seconds')
        rows = [
            [*(face[key] for key in times), *face['expressions'].values()]
            for face in record['faces']
        ]
        if rows:
            whole = [0.0, record['seconds'], record['seconds_with_faces']]
            rows.append(['all', *whole, *record['expressions'].values()])
        return rows

    def timeline(self) -> Timeline | None:
        """Return the timeline of the faces that are seen longest; None without any."""
        kept = [number for number, face in self._faces.items() if face.intervals]
        kept.sort(key=lambda number: -self._faces[number].seconds.sum())
        numbers = sorted(kept[:LONGEST_FACES])
        if not numbers:
            return None
        count = max(int(np.ceil(self.seconds / self._width - 1e-6)), 1)
        seconds = np.zeros((len(numbers), count, len(self.classes)))
        for row, number in enumerate(numbers):
            for index, values in self._faces[number].intervals.items():
                seconds[row, min(index, count - 1)] += values
        return Timeline(seconds, self._width, [*map(str, numbers)], self.classes)

    def _shares(self, seconds: np.ndarray) -> dict[str, float | None]:
        total = seconds.sum()
        if not total:
            return dict.fromkeys(self.classes)
        shares = (round(float(x), 4) for x in seconds / total)
        return dict(zip(self.classes, shares, strict=True))

    def _count(self, frame: ImageResult, step: float) -> None:
        """Count a frame for as long as it is shown."""
        start = self.seconds
        self.seconds += step
        self.seconds_with_faces += step if frame.faces else 0.0
        while self.seconds > INTERVALS * self._width:
            self._double()
        for item in frame.faces:
            number = item.track or 1
            face = self._faces.get(number)
            if face is None:
                zeros = np.zeros(len(self.classes))
                face = self._faces[number] = _Face(start, start, zeros)
            face.last = self.seconds
            face.seconds[item.label] += step
            self._fill(face, item.label, start, self.seconds)
        if len(self._faces) > _TIMELINES:
            self._forget({item.track or 1 for item in frame.faces})

    def _fill(self, face: _Face, label: int, start: float, end: float) -> None:
        index = int(start / self._width)
        while index * self._width < end:
            low, high = index * self._width, (index + 1) * self._width
            part = min(end, high) - max(start, low)
            if part > 1e-6 * self._width:  # more than rounding
                zeros = np.zeros(len(self.classes), np.float32)
                face.intervals.setdefault(index, zeros)[label] += part
            index += 1

    def _double(self) -> None:
        """Make intervals twice as long."""
        self._width *= 2
        for face in self._faces.values():
            before, face.intervals = face.intervals, {}
            for index, values in before.items():
                face.intervals[index // 2] = face.intervals.get(index // 2, 0) + values

    def _forget(self, seen: set[int]) -> None:
        """Forget the timelines of the shortest faces that are seen no longer."""
        kept = {n: face for n, face in self._faces.items() if face.intervals}
        if len(kept) > _TIMELINES:
            order = sorted(kept, key=lambda number: -kept[number].seconds.sum())
            for number in order[_TIMELINES // 2 :]:
                if number not in seen:
                    kept[number].intervals = {}
