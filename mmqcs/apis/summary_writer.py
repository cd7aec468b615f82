"""Writes summaries of videos: tables, timelines and a report."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmqcs.atomic import write_text
from mmqcs.media.files import printable
from mmqcs.visualization import timeline_figure
from mmqcs.visualization.html import EmbeddedImage, render_page
from mmqcs.visualization.style import encode_figure

from .file_names import FileNames
from .results import ImageResult
from .summary import LONGEST_FACES, VideoSummary

_TEMPLATE = Path(__file__).with_name('report.html.jinja')


class SummaryWriter:
    """Sums up the videos among results, and writes the summaries into a folder.

    ``summary.csv`` has the rows of a video as soon as it ends, and ``timelines`` its
    timeline. ``summary.json`` and ``report.html`` are written at the end. Without
    videos, nothing is written.

    Args:
        folder: Folder of the results.
        classes: Class names.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder = folder
        self.classes = tuple(classes)
        self._names = FileNames(folder / 'timelines')
        self._before: ImageResult | None = None
        self._summary: VideoSummary | None = None
        self._records: list[dict[str, Any]] = []
        self._videos: list[dict[str, Any]] = []

    def add(self, result: ImageResult) -> None:
        """Add the next result."""
        before, self._before = self._before, result.without_image()
        if before is not None and not result.continues(before):
            self._end_video()
        if result.time is not None:
            if self._summary is None:
                self._summary = VideoSummary(result.source, self.classes)
            self._summary.add(result)

    def close(self) -> None:
        """Write the summary of the last video, and the report."""
        self._end_video()
        if self._records:
            text = json.dumps(self._records, indent=2)
            write_text(self.folder / 'summary.json', text + '\n')
            page = render_page(_TEMPLATE, videos=map(_embed, self._videos))
            write_text(self.folder / 'report.html', page)
            self._records, self._videos = [], []

    def _end_video(self) -> None:
        summary, self._summary = self._summary, None
        if summary is None:
            return
        summary.finish()
        record = summary.to_dict()
        self._append(summary, new=not self._records)
        self._records.append(record)
        timeline, path = summary.timeline(), None
        if timeline is not None:
            path = self._names.path(summary.source, '.png')
            title = Path(printable(summary.source)).name
            figure = timeline_figure(*timeline, title=title)
            path.write_bytes(encode_figure(figure, '.png'))
        self._videos.append(_section(summary, path))

    def _append(self, summary: VideoSummary, new: bool) -> None:
        """Add rows to the table, or start it."""
        path = self.folder / 'summary.csv'
        with path.open('x' if new else 'a', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            if new:
                shares = (f'share_{name}' for name in self.classes)
                times = ('track', 'first', 'last', 'seconds')
                writer.writerow(['source', *times, *shares])
            source = printable(summary.source)
            writer.writerows([source, *row] for row in summary.rows())


def _section(summary: VideoSummary, path: Path | None) -> dict[str, Any]:
    """Return what the template shows of a video."""
    table = summary.rows()
    faces, total = table[:-1], table[-1:]
    shown = sorted(faces, key=lambda row: -row[3])[:LONGEST_FACES]
    rows = [
        [str(row[0]), *row[1:4], *(round(100 * share) for share in row[4:])]
        for row in [*sorted(shown, key=lambda row: row[0]), *total]
    ]
    left_out = len(faces) - len(shown)
    note = f'{left_out} faces that were seen for less time are in summary.csv.'
    return {
        'name': printable(summary.source),
        'facts': f'{summary.seconds:.2f} seconds, of which '
        f'{summary.seconds_with_faces:.2f} with a face',
        'head': [
            *('Face', 'First (s)', 'Last (s)', 'Seen (s)'),
            *(f'{name} (%)' for name in summary.classes),
        ],
        'rows': rows,
        'note': note if left_out else '',
        'path': path,
    }


def _embed(video: dict[str, Any]) -> dict[str, Any]:
    """Add the timeline to a section, from its file."""
    if video['path'] is None:
        return video
    content = video['path'].read_bytes()
    alt = f'Timeline of {video["name"]}: the main expression of each face'
    return {**video, 'figure': EmbeddedImage.embed(content, 'png', alt)}
