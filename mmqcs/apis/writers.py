"""Writes results one by one: tables, images, videos."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmqcs.media.files import printable
from mmqcs.media.write_video import VideoWriter

from .drawing import draw_faces, reduce_image
from .file_names import FileNames
from .results import ImageResult
from .summary_writer import SummaryWriter

PICTURE_SIDE = 65_500
"""Maximum side of a written image in pixels: the limit of JPEG."""

VIDEO_SIDE = 4096
"""Maximum side of a written video in pixels: what players can decode."""

_POINTS = ('eye_left', 'eye_right', 'nose', 'mouth_left', 'mouth_right')


def _csv_header(classes: Sequence[str]) -> list[str]:
    """Return the names of the columns."""
    return [
        *('source', 'frame', 'time', 'face', 'track', 'left', 'top', 'right', 'bottom'),
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
        row = {**common, 'face': number, 'track': face['track']}
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
    ``pictures`` has copies of the images and videos with faces drawn into them. Of
    videos, there are summaries as well, see :class:`SummaryWriter`.

    Args:
        folder: Folder, created if it does not exist.
        classes: Class names.
        pictures: Whether to write copies of images and videos.

    Raises:
        FileExistsError: The folder already contains results.
        OSError: The folder is not writable, or, when writing, the disk is full.
    """

    def __init__(
        self, folder: str | Path, classes: Sequence[str], pictures: bool = True
    ) -> None:
        self.folder = Path(folder)
        self.with_pictures = pictures
        # sound that written videos lack, one line each
        self.notes: list[str] = []
        if printable(str(folder)) != str(folder):
            raise OSError('the name of the folder cannot be printed')
        self.folder.mkdir(parents=True, exist_ok=True)
        self._names = FileNames(self.folder / 'pictures')
        self._summaries = SummaryWriter(self.folder, classes)
        self._video: VideoWriter | None = None
        self._before: ImageResult | None = None  # the last frame of the video
        # file names can contain bytes that are not UTF-8
        options: dict = {'encoding': 'utf-8', 'errors': 'backslashreplace'}
        self._lines = (self.folder / 'results.jsonl').open('x', **options)
        try:
            self._table = (self.folder / 'results.csv').open('x', **options, newline='')
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
        self._summaries.add(result)
        if self.with_pictures and result.image is not None:
            if result.time is None:  # an image, or a page of several
                self._write_picture(draw_faces(result.image, result), result.source)
            else:
                self._write_frame(result, result.image, result.time)

    def close(self, complete: bool = True) -> None:
        """Close all files; a video that is not complete gets no more sound.

        Raises:
            OSError: Something cannot be written.
        """
        try:
            self._close_video(complete)
            self._summaries.close()
        finally:
            self._lines.close()
            self._table.close()

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.close(complete=kind is None)

    def _close_video(self, complete: bool = True) -> None:
        video, self._video = self._video, None
        if video is not None:
            video.close(complete)
            name = f'pictures/{video.path.name}'
            self.notes += [printable(f'{name}: {note}') for note in video.notes]

    def _write_picture(self, image: np.ndarray, source: str) -> None:
        suffix = Path(source).suffix.lower()
        path = self._names.path(
            source, suffix if suffix in ('.jpg', '.jpeg') else '.png'
        )
        encoded, data = cv2.imencode(path.suffix, reduce_image(image, PICTURE_SIDE))
        if not encoded:
            raise OSError(f'OpenCV cannot encode {path}')
        path.write_bytes(data.data)  # unlike cv2.imwrite, tells why it fails

    def _write_frame(self, result: ImageResult, image: np.ndarray, time: float) -> None:
        if self._before is not None and not result.continues(self._before):
            self._close_video()
        if self._video is None:
            path = self._names.path(result.source, '.mp4')
            self._video = VideoWriter(path, _sound_of(result.source))
        drawn = draw_faces(image, result)
        self._video.write(reduce_image(drawn, VIDEO_SIDE), time)
        self._before = result.without_image()


def _sound_of(source: str) -> str | None:
    """Return the source if it is a file, and None for a camera or an object."""
    return source if Path(source).is_file() else None
