"""Handlers of the tab Camera: faces on the frames of a stream."""

import time
from threading import Lock

import gradio as gr
import numpy as np

from mmqcs.apis import FERInferencer
from mmqcs.apis.drawing import draw_faces, reduce_image
from mmqcs.apis.tracking import FaceTracker
from mmqcs.media.frames import Frame, frames

from .messages import QUIET, summarize

SIDE = 640
"""Maximum side in pixels of a frame; larger frames are reduced."""

MAX_BYTES = 2**22
"""Maximum size of an encoded frame."""

INTERVAL = 0.1
"""Minimum time between two frames in seconds."""

STREAMS = 8
"""Maximum number of cameras at the same time; others wait."""

SECONDS = 300
"""Length of a stream, after which another camera may take its place."""

HINT = 'Allow the camera, then press *Record*. No frame is stored.'


class Camera:
    """Event handlers for a camera.

    Args:
        infer: The inferencer.
        lock: Held while the inferencer works.
    """

    def __init__(self, infer: FERInferencer, lock: Lock) -> None:
        self.infer = infer
        self.lock = lock

    def watch(
        self, content: bytes | None, tracker: FaceTracker | None
    ) -> tuple[np.ndarray | None, str, FaceTracker | None]:
        """Handle a frame: draw its faces, which keep their numbers.

        Args:
            content: An image file, such as a JPEG.
            tracker: What the call for the frame before returned, or None.

        Returns:
            RGB image, summary, tracker.

        Raises:
            gradio.Error: The frame cannot be read. The page shows the message.
        """
        if content is None:
            return None, HINT, None
        if len(content) > MAX_BYTES:
            raise gr.Error(f'a frame has more than {MAX_BYTES} bytes', **QUIET)
        read = next(frames(content))
        if read.image is None:
            raise gr.Error(f'a frame cannot be read: {read.error}', **QUIET)
        image = reduce_image(read.image, SIDE)
        # without an index, it would be searched for faces upside down as well
        frame = Frame('camera', image, index=0, time=time.monotonic())
        with self.lock:
            result = next(self.infer.stream(frame, keep_images=True, smooth=False))
        if result.error is not None:
            raise gr.Error(result.error, **QUIET)
        tracker = tracker or FaceTracker()
        result = tracker.update(result)
        return draw_faces(image, result)[..., ::-1], summarize(result), tracker
