"""Writes results as they come: tables, pictures, videos."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from .drawing import draw_faces
from .frames import video_info
from .results import ImageResult

__all__ = ['ResultWriter', 'csv_rows']

_POINTS = ('eye_left', 'eye_right', 'nose', 'mouth_left', 'mouth_right')


def csv_header(classes: Sequence[str]) -> list[str]:
    """Names of the columns."""
    return [
        *('source', 'frame', 'time', 'face', 'left', 'top', 'right', 'bottom'),
        *(f'{name}_{axis}' for name in _POINTS for axis in 'xy'),
        *('points_from', 'detection_score', 'label', 'name'),
        *(f'score_{name}' for name in classes),
        'note',
    ]


def csv_rows(result: ImageResult) -> list[dict[str, Any]]:
    """A row a face; a picture without faces gives one row that says so.

    Args:
        result: What was found in a picture.
    """
    record = result.to_dict()
    common = {key: record[key] for key in ('source', 'frame', 'time')}
    if not record['faces']:
        return [{**common, 'note': record['error'] or 'no face'}]
    rows = []
    for number, face in enumerate(record['faces']):
        row = {**common, 'face': number}
        row |= dict(zip(('left', 'top', 'right', 'bottom'), face['box'], strict=True))
        for name, (x, y) in zip(_POINTS, face['points'] or (), strict=False):
            row |= {f'{name}_x': x, f'{name}_y': y}
        for key in ('points_from', 'detection_score', 'label', 'name'):
            row[key] = face[key]
        row |= {f'score_{name}': score for name, score in face['scores'].items()}
        rows.append(row)
    return rows


class ResultWriter:
    """Writes results into a folder, each at once, so that an interruption loses none.

    ``results.jsonl`` has a line a picture, ``results.csv`` a row a face, ``pictures``
    the pictures and videos with what was found drawn into them.

    Args:
        folder: Where to write; made if it does not exist.
        classes: Names of the classes.
        pictures: Whether to write pictures.
        every: Of the frames of a video each ``every``-th is given to the writer.

    Raises:
        FileExistsError: The folder holds results already.
        OSError: It cannot be written to. In use: the disk is full.
    """

    def __init__(
        self,
        folder: str | Path,
        classes: Sequence[str],
        pictures: bool = True,
        every: int = 1,
    ) -> None:
        self.folder = Path(folder)
        self.with_pictures = pictures
        self.every = every
        self.folder.mkdir(parents=True, exist_ok=True)
        self._names: set[str] = set()
        self._video: _VideoFile | None = None
        self._lines = (self.folder / 'results.jsonl').open('x', encoding='utf-8')
        try:
            table = (self.folder / 'results.csv').open(
                'x', encoding='utf-8', newline=''
            )
        except OSError:
            self._lines.close()
            raise
        self._table = table
        self._csv = csv.DictWriter(table, csv_header(classes))
        self._csv.writeheader()

    def write(self, result: ImageResult) -> None:
        """Writes one result.

        Args:
            result: With its picture, if pictures are written.
        """
        self._lines.write(json.dumps(result.to_dict(), ensure_ascii=False) + '\n')
        self._csv.writerows(csv_rows(result))
        self._lines.flush()
        self._table.flush()
        if self.with_pictures and result.image is not None:
            drawn = draw_faces(result.image, result)
            if result.index is None:
                self._write_picture(drawn, result.source)
            else:
                self._write_frame(drawn, result.source)

    def close(self) -> None:
        """Ends all files.

        Raises:
            OSError: A video could not be written to its end.
        """
        try:
            if self._video is not None:
                self._video.close()
        finally:
            self._video = None
            self._lines.close()
            self._table.close()

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _path(self, source: str, suffix: str) -> Path:
        """A name of its own for each source: that of the file, numbered if taken."""
        stem = Path(source).stem.replace(' ', '_')
        name, number = f'{stem}{suffix}', 1
        while name in self._names:
            number += 1
            name = f'{stem}-{number}{suffix}'
        self._names.add(name)
        folder = self.folder / 'pictures'
        folder.mkdir(exist_ok=True)
        return folder / name

    def _write_picture(self, image: np.ndarray, source: str) -> None:
        suffix = Path(source).suffix.lower()
        path = self._path(source, suffix if suffix in ('.jpg', '.jpeg') else '.png')
        _, data = cv2.imencode(path.suffix, image)
        path.write_bytes(data.tobytes())  # unlike cv2.imwrite, says why it failed

    def _write_frame(self, image: np.ndarray, source: str) -> None:
        if self._video is not None and self._video.source != source:
            video, self._video = self._video, None
            video.close()
        if self._video is None:
            # a camera cannot be asked while it is in use
            rate = video_info(source).rate if Path(source).is_file() else 25.0
            path = self._path(source, '.mp4')
            self._video = _VideoFile(path, source, rate / self.every)
        self._video.write(image)


class _VideoFile:
    """A video that is being written.

    Args:
        path: MP4 file.
        source: What it shows.
        rate: Frames a second.
    """

    def __init__(self, path: Path, source: str, rate: float) -> None:
        self.path = path
        self.source = source
        self.rate = rate
        self.count = 0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: np.ndarray) -> None:
        """Adds a frame, in the size of the first one."""
        if self._writer is None:
            self._size = image.shape[1::-1]
            code = cv2.VideoWriter.fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self.path), code, self.rate, self._size)
            if not self._writer.isOpened():
                raise OSError(f'OpenCV cannot write a video to {self.path}')
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size)
        self._writer.write(image)
        self.count += 1

    def close(self) -> None:
        """Ends the file, and looks whether it has all frames: OpenCV does not say."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        found = video_info(self.path).count or 0
        if found < self.count:  # one more if Ctrl-C came between writing and counting
            raise OSError(
                f'{self.path} has {found} of {self.count} frames; is the disk full?'
            )
