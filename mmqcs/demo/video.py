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


class Video:
    """Event handlers for a video.

    Args:
        infer: The inferencer.
        lock: Held while the inferencer works on a batch of frames, so that photographs
            need not wait for the end of a video.
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
        folder = Path(tempfile.mkdtemp())
        try:
            yield from self._analyse(path, _check(path), folder)
        except BaseException:  # also when the generator is closed
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _analyse(self, path: str, info: VideoInfo, folder: Path) -> Iterator[Outputs]:
        name = Path(path).stem
        film, table = folder / f'{name}_faces.mp4', folder / f'{name}_summary.csv'
        summary = VideoSummary(Path(path).name, self.infer.classes)
        length = min(info.length or MAX_SECONDS, MAX_SECONDS)
        notes = []
        reported = time.monotonic()
        with VideoWriter(film, path) as writer:
            for result in self._results(path, max(round(info.rate / RATE), 1)):
                if result.image is None or result.time is None:
                    if not summary.frames:
                        raise upload_error(str(result.error), path)
                    notes.append(hide_path(str(result.error), path))
                    break
                if result.time > MAX_SECONDS or summary.frames == MAX_FRAMES:
                    notes.append(_REST)
                    break
                summary.add(result)
                drawn = draw_faces(result.image, result)
                writer.write(reduce_image(drawn, SIDE), result.time)
                if time.monotonic() - reported >= INTERVAL:
                    reported = time.monotonic()
                    yield _progress(result.time / length)
            writer.close(complete=not notes)  # else the sound would be longer
        summary.finish()
        notes += [hide_path(note, path) for note in writer.notes]
        with table.open('w', newline='', encoding='utf-8') as file:
            heads = 'track', 'first', 'last', 'seconds', *summary.classes
            csv.writer(file).writerows([heads, *summary.rows()])
        timeline = summary.timeline()
        figure = timeline and figure_to_rgb(timeline_figure(*timeline))
        status = html.escape('. '.join([_describe(summary), *notes]) + '.')
        visible = gr.update(visible=timeline is not None)
        files = str(film), figure, shares(summary), str(table)
        yield *ended(status), *files, visible

    def _results(self, path: str, every: int) -> Iterator[ImageResult]:
        """Yield results, and let others work between two of them."""
        results = self.infer.stream(path, every, keep_images=True)
        while True:
            with self.lock:
                result = next(results, None)
            if result is None:
                return
            yield result


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
