"""Handlers of the HTTP API: files in, JSON out, nothing drawn."""

from threading import Lock
from typing import Any

import gradio as gr

from mmqcs.apis import FERInferencer, ImageResult

from .messages import QUIET, upload_error
from .video import VideoStart


class Api:
    """Endpoints for other programs.

    Their JSON is that of :meth:`mmqcs.apis.ImageResult.to_dict` and
    :meth:`mmqcs.apis.summary.VideoSummary.to_dict`, without names of files, which are
    those of the server.

    Args:
        infer: The inferencer.
        lock: Held while the network is in use.
    """

    def __init__(self, infer: FERInferencer, lock: Lock) -> None:
        self.infer = infer
        self.lock = lock

    def image(self, image: str) -> dict[str, Any]:
        """Find the faces of an image, the largest first, and name their expressions.

        Raises:
            gradio.Error: The image is missing or cannot be read.
        """
        with self.lock:
            result = next(self.infer.stream(_given(image)))
        if result.error is not None:
            raise upload_error(result.error, image)
        return {'classes': list(result.classes), **_record(result, 'size', 'note')}

    def video(self, video: str) -> dict[str, Any]:
        """Name the expressions in a video and the share of time for each.

        Raises:
            gradio.Error: The video is missing or cannot be read.
        """
        start = VideoStart(self.infer, self.lock, _given(video))
        for _ in start.results(keep_images=False):
            pass
        return self._summary(start)

    def video_frames(self, video: str) -> dict[str, Any]:
        """Do the same as ``video``, and list the faces of each frame.

        Raises:
            gradio.Error: The video is missing or cannot be read.
        """
        start = VideoStart(self.infer, self.lock, _given(video))
        results = start.results(keep_images=False)
        found = [_record(result, 'frame', 'time') for result in results]
        return {**self._summary(start), 'per_frame': found}

    def _summary(self, start: VideoStart) -> dict[str, Any]:
        record = start.summary.to_dict()
        del record['source']
        return {'classes': list(self.infer.classes), **record, 'notes': start.notes}


def _record(result: ImageResult, *keys: str) -> dict[str, Any]:
    """Return some keys of a result, and its faces."""
    record = result.to_dict()
    return {key: record[key] for key in (*keys, 'faces')}


def _given(path: str | None) -> str:
    if path is None:
        raise gr.Error('no file was given', **QUIET)
    return path
