"""Writes results one by one: tables, images, videos."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmqcs.media.files import ImageError, printable
from mmqcs.media.videos import video_info

from .drawing import draw_faces, reduce_image
from .results import ImageResult

PICTURE_SIDE = 65_500
"""Maximum side of a written image in pixels: the limit of JPEG."""

VIDEO_SIDE = 4096
"""Maximum side of a written video in pixels; the limit of the codec is 8191."""

_POINTS = ('eye_left', 'eye_right', 'nose', 'mouth_left', 'mouth_right')


def _csv_header(classes: Sequence[str]) -> list[str]:
    """Return the names of the columns."""
    return [
        *('source', 'frame', 'time', 'face', 'left', 'top', 'right', 'bottom'),
        *(f'{name}_{axis}' for name in _POINTS for axis in 'xy'),
        *('detection_score', 'label', 'name'),
        *(f'score_{name}' for name in classes),
        'note',
    ]


def _csv_rows(result: ImageResult) -> list[dict[str, Any]]:
    """Return one row per face, or one row with a note if there is no face."""
    record = result.to_dict()
    common = {key: record[key] for key in ('source', 'frame', 'time')}
    common['source'] = printable(common['source'])  # a row is one line
    if not record['faces']:
        note = record['error'] or record['note'] or 'no face'
        return [{**common, 'note': printable(note)}]
    rows = []
    for number, face in enumerate(record['faces']):
        row = {**common, 'face': number}
        row |= dict(zip(('left', 'top', 'right', 'bottom'), face['box'], strict=True))
        for name, (x, y) in zip(_POINTS, face['points'] or (), strict=False):
            row |= {f'{name}_x': x, f'{name}_y': y}
        for key in ('detection_score', 'label', 'name'):
            row[key] = face[key]
        row |= {f'score_{name}': score for name, score in face['scores'].items()}
        rows.append(row)
    return rows


class ResultWriter:
    """Writes results into a folder immediately, so that an interruption loses none.

    ``results.jsonl`` has one line per image, ``results.csv`` one row per face, and
    ``pictures`` has copies of the images and videos with faces drawn into them.

    Args:
        folder: Folder, created if it does not exist.
        classes: Class names.
        pictures: Whether to write copies of images and videos.
        every: The writer gets every ``every``-th frame of a video.

    Raises:
        FileExistsError: The folder already contains results.
        OSError: The folder is not writable, or, when writing, the disk is full.
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
        # differences between written videos and their sources, one line each
        self.notes: list[str] = []
        if printable(str(folder)) != str(folder):
            raise OSError('the name of the folder cannot be printed')
        self.folder.mkdir(parents=True, exist_ok=True)
        self._names: set[str] = set()
        self._video: _VideoFile | None = None
        # file names can contain bytes that are not UTF-8
        options = {'mode': 'x', 'encoding': 'utf-8', 'errors': 'backslashreplace'}
        self._lines = (self.folder / 'results.jsonl').open(**options)
        try:
            self._table = (self.folder / 'results.csv').open(**options, newline='')
        except OSError:
            self._lines.close()
            raise
        self._csv = csv.DictWriter(self._table, _csv_header(classes))
        self._csv.writeheader()

    def write(self, result: ImageResult) -> None:
        """Write one result, which has its image if copies are written."""
        self._lines.write(json.dumps(result.to_dict(), ensure_ascii=False) + '\n')
        self._csv.writerows(_csv_rows(result))
        self._lines.flush()
        self._table.flush()
        if self.with_pictures and result.image is not None:
            if result.time is None:  # an image, or a page of several
                self._write_picture(draw_faces(result.image, result), result.source)
            else:
                self._write_frame(result)

    def close(self) -> None:
        """Close all files; raise an ``OSError`` if a video is incomplete."""
        try:
            self._close_video()
        finally:
            self._lines.close()
            self._table.close()

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _close_video(self) -> None:
        video, self._video = self._video, None
        if video is None:
            return
        video.close()
        if video.varies:
            self.notes.append(
                f'{printable(video.source)}: {video.path.name} has no sound and a '
                f'constant rate of {video.rate:g} frames per second, so its timing '
                f'differs from the source'
            )

    def _path(self, source: str, suffix: str) -> Path:
        """Return a path named after the source, with a number if it is taken."""
        stem = Path(source).stem.replace(' ', '_')
        stem = ''.join(x if x.isprintable() else '_' for x in stem)
        stem = stem.encode()[:240].decode(errors='ignore')  # 255 bytes in a name
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
        encoded, data = cv2.imencode(path.suffix, reduce_image(image, PICTURE_SIDE))
        if not encoded:
            raise OSError(f'OpenCV cannot encode {path}')
        path.write_bytes(data)  # unlike cv2.imwrite, tells why it fails

    def _write_frame(self, result: ImageResult) -> None:
        source = result.source
        if self._video is not None and self._video.source != source:
            self._close_video()
        if self._video is None:
            rate = (result.rate or 25.0) / self.every
            self._video = _VideoFile(self._path(source, '.mp4'), source, rate)
        self._video.write(draw_faces(result.image, result), result.time)


class _VideoFile:
    """MP4 file that is being written, with ``rate`` frames per second."""

    def __init__(self, path: Path, source: str, rate: float) -> None:
        self.path = path
        self.source = source
        # the codec supports neither extreme rates nor fractions of high rates
        self.rate = float(np.clip(round(rate, 3 if rate < 60 else 0), 0.1, 240))
        self.count = 0
        self.varies = False
        self._start = 0.0
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: np.ndarray, time: float) -> None:
        """Add a BGR frame, resized to the size of the first, at a time in seconds."""
        image = reduce_image(image, VIDEO_SIDE)
        if self._writer is None:
            self._start = time
            self._size = image.shape[1::-1]
            code = cv2.VideoWriter.fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self.path), code, self.rate, self._size)
            if not self._writer.isOpened():
                raise OSError(f'OpenCV cannot write a video to {self.path}')
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size)
        self._writer.write(image)
        off = abs(time - self._start - self.count / self.rate)
        self.varies = self.varies or off > 0.25 + 2 / self.rate
        self.count += 1

    def close(self) -> None:
        """Close the file and check its number of frames; OpenCV reports no errors."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        try:
            found = video_info(self.path).count or 0
        except (ImageError, FileNotFoundError):
            found = 0
        if found < self.count:  # more if Ctrl-C came between writing and counting
            raise OSError(
                f'{self.path} has {found} of {self.count} frames; is the disk full?'
            )
