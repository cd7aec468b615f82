"""Handlers of the tab Video: faces on all frames, and their expressions over time."""

import csv
import html
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces, reduce_image
from mmqcs.apis.summary import VideoSummary
from mmqcs.media.files import ImageError
from mmqcs.media.videos import VideoInfo, is_video, video_info
from mmqcs.media.write_video import VideoWriter
from mmqcs.visualization import figure_to_rgb, timeline_figure

from .messages import hide_path, upload_error

MAX_SECONDS = 60
"""Seconds of a video that are used; the rest is left out."""

RATE = 30
"""Frames per second that are used; of faster videos, some frames are left out."""

MAX_FRAMES = 2 * RATE * MAX_SECONDS
"""Frames of a video that are used, for videos whose times are wrong."""

SIDE = 1280
"""Maximum side in pixels of the drawn video."""

INTERVAL = 0.3
"""Time between two reports of the progress in seconds."""

HINT = f'Upload a video. The first {MAX_SECONDS} seconds are used.'

_REST = (
    f'The video is longer: only the start of it, up to {MAX_SECONDS} seconds, was '
    f'used. The command mmqcs has no such limit'
)

Outputs = tuple[Any, ...]
"""Status in HTML, update of the button that stops, drawn video, timeline, table, CSV
file, and update of the column with the last three."""


def ended(status: str) -> tuple[str, Any]:
    """Return a status, and hide the button that stops."""
    return status, gr.update(visible=False)


class VideoStart:
    """The start of a video, up to the limits of the page.

    Args:
        infer: The inferencer.
        lock: Held while the inferencer works on a batch of frames, so that photographs
            need not wait for the end of a video.
        path: The upload.

    Raises:
        gradio.Error: The file is no video, or cannot be read.
    """

    def __init__(self, infer: FERInferencer, lock: Lock, path: str) -> None:
        self.infer = infer
        self.lock = lock
        self.path = path
        self.info = _check(path)
        self.length = min(self.info.length or MAX_SECONDS, MAX_SECONDS)
        self.summary = VideoSummary(Path(path).name, infer.classes)
        self.notes: list[str] = []
        """Why the rest is left out."""

    def results(self, keep_images: bool) -> Iterator[ImageResult]:
        """Yield the results of frames, which are part of the summary; then finish it.

        Raises:
            gradio.Error: No frame can be read.
        """
        every = max(round(self.info.rate / RATE), 1)
        results = self.infer.stream(self.path, every, keep_images=keep_images)
        while True:
            with self.lock:  # others work between two results
                result = next(results, None)
            if result is None:
                break
            if result.error is not None:
                if not self.summary.frames:
                    raise upload_error(result.error, self.path)
                self.notes.append(hide_path(result.error, self.path))
                break
            # a frame of a video has a time
            if (result.time or 0.0) > MAX_SECONDS or self.summary.frames == MAX_FRAMES:
                self.notes.append(_REST)
                break
            self.summary.add(result)
            yield result
        self.summary.finish()


class Video:
    """Event handlers for a video.

    Args:
        infer: The inferencer.
        lock: See :class:`VideoStart`.
    """

    def __init__(self, infer: FERInferencer, lock: Lock) -> None:
        self.infer = infer
        self.lock = lock

    def analyse(self, path: str | None) -> Iterator[Outputs]:
        """Handle a video: yield the progress, then the results.

        If the visitor leaves or stops the work, the generator is closed, and what it
        wrote is deleted.

        Raises:
            gradio.Error: The video cannot be read. The page shows the message.
        """
        if path is None:
            yield *ended(HINT), None, None, None, None, gr.update(visible=False)
            return
        yield _progress(0.0)
        start = VideoStart(self.infer, self.lock, path)
        folder = Path(tempfile.mkdtemp())
        try:
            yield from _analyse(start, folder)
        except BaseException:  # also when the generator is closed
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _analyse(start: VideoStart, folder: Path) -> Iterator[Outputs]:
    name = Path(start.path).stem
    film, table = folder / f'{name}_faces.mp4', folder / f'{name}_summary.csv'
    summary = start.summary
    reported = time.monotonic()
    with VideoWriter(film, start.path) as writer:
        for result in start.results(keep_images=True):
            if result.image is None or result.time is None:
                continue
            drawn = draw_faces(result.image, result)
            writer.write(reduce_image(drawn, SIDE), result.time)
            if time.monotonic() - reported >= INTERVAL:
                reported = time.monotonic()
                yield _progress(result.time / start.length)
        writer.close(complete=not start.notes)  # else the sound would be longer
    notes = start.notes + [hide_path(note, start.path) for note in writer.notes]
    with table.open('w', newline='', encoding='utf-8') as file:
        heads = 'track', 'first', 'last', 'seconds', *summary.classes
        csv.writer(file).writerows([heads, *summary.rows()])
    timeline = summary.timeline()
    figure = timeline and figure_to_rgb(timeline_figure(*timeline))
    status = html.escape('. '.join([_describe(summary), *notes]) + '.')
    visible = gr.update(visible=timeline is not None)
    files = str(film), figure, shares(summary), str(table)
    yield *ended(status), *files, visible


def shares(summary: VideoSummary) -> dict[str, list[Any]]:
    """Return a table of how long each face is seen, and with which expression."""
    rows = [
        [str(face), f'{seconds:.1f}', *(f'{100 * x:.0f} %' for x in values)]
        for face, _, _, seconds, *values in summary.rows()
    ]
    return {'headers': ['Face', 'Seconds', *summary.classes], 'data': rows}


def _check(path: str) -> VideoInfo:
    try:
        if not is_video(path):
            reason = 'is not a video; photographs belong into the first tab'
            raise ImageError(f'{path} {reason}')
        return video_info(path)
    except (ImageError, FileNotFoundError) as error:
        raise upload_error(str(error), path) from error


def _progress(share: float) -> Outputs:
    """Show a progress bar, and no results."""
    percent = round(100 * min(share, 1))
    bar = f'<progress max="100" value="{percent}"></progress> {percent} %'
    # gr.skip() would make Gradio copy the components, and copies never delete files
    return bar, gr.update(visible=True), *[None] * 4, gr.update(visible=False)


def _describe(summary: VideoSummary) -> str:
    """Describe how many faces are seen, and for how long."""
    whole = f'{summary.frames} frames, {summary.seconds:.1f} seconds'
    count = len(summary.rows()) - 1
    if count < 1:
        return f'No face was found in {whole}'
    faces = 'One face' if count == 1 else f'{count} faces'
    return f'{faces} in {whole}'
