"""Writes videos with PyAV: frames at their times, and the sound of their source."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from .sound import SoundCopy

CODECS = ('libx264', 'libopenh264', 'mpeg4')
"""Encoders, the best first; wheels of PyAV have the first."""

_OPTIONS = {
    # no frames wait in memory or are lost with the process
    'libx264': {'preset': 'veryfast', 'tune': 'zerolatency', 'crf': '20'},
    'mpeg4': {'flags': '+qscale', 'global_quality': '354'},
}

_CONTAINER_OPTIONS = {
    # readable while it is written, and an ordinary MP4 when it is closed
    'movflags': 'hybrid_fragmented+delay_moov',
    'use_editlist': '1',  # sound can start before the first frame
    'frag_duration': '1000000',  # microseconds
    'max_interleave_delta': '1000000',
}

_SMPTE_170M, _LIMITED = 6, 1  # matrix and range of yuv420p by FFmpeg's conversion

_TIME_BASE = Fraction(1, 60_000)
"""Unit of times: fits almost all rates, and the 16 bits of MPEG-4."""

_LONGEST = 2**31 - 1
"""Longest duration of a frame in MP4: with this unit, 10 hours."""


class VideoWriter:
    """Writes an MP4 file of H.264 or, if FFmpeg cannot encode it, of MPEG-4.

    All sound tracks of the source are copied, or encoded as AAC if MP4 does not hold
    them. If the process ends before the file is closed, all but about the last second
    can be played.

    Args:
        path: File, which is overwritten.
        source: Video whose sound is added, or None. Its first frame is at time 0.

    Raises:
        OSError: The file cannot be written, or, when writing, the disk is full.

    Examples:
        >>> with VideoWriter(Path('brighter.mp4')) as writer:
        ...     for index in range(3):
        ...         image = np.full((48, 64, 3), 80 * index, np.uint8)
        ...         writer.write(image, time=index / 10)
        >>> from mmqcs.media.videos import video_info
        >>> video_info('brighter.mp4').count
        3
    """

    def __init__(self, path: Path, source: str | Path | None = None) -> None:
        self.path = path
        # tracks that were left out or end early, one line each
        self.notes: list[str] = []
        self._source = source
        self._stack = ExitStack()
        self._container: OutputContainer | None = None
        self._waiting: av.Packet | None = None  # its duration is not known yet
        self._step = 1 / 25
        self._last = 0.0
        self._pts = -1

    def write(self, image: np.ndarray, time: float) -> None:
        """Add a BGR frame at a time in seconds, scaled to the size of the first."""
        container = self._container or self._open(image.shape[1::-1])
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size)
        height, width = image.shape[:2]
        # colours have half the resolution
        padded: np.ndarray = cv2.copyMakeBorder(
            image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
        )
        frame = av.VideoFrame.from_ndarray(padded, format='bgr24')
        pts = round(time / _TIME_BASE)
        self._pts = min(max(pts, self._pts + 1), self._pts + _LONGEST)
        frame.pts, frame.time_base = self._pts, _TIME_BASE
        self._sound.copy(container, until=time)
        for packet in self._picture.encode(frame):
            self._mux(container, packet)
        self._step = time - self._last or self._step
        self._last = time

    def close(self, complete: bool = True) -> None:
        """Finish the file, with the whole sound of the source if it is complete.

        Otherwise, the sound ends with the last frame.
        """
        container = self._container
        if container is None:
            return
        with self._stack:
            for packet in self._picture.encode(None):
                self._mux(container, packet)
            self._mux(container, None)
            end = None if complete else self._last + self._step
            self._sound.copy(container, end)
            self._sound.finish(container)
            self.notes += self._sound.notes
            self._container = None

    def __enter__(self) -> 'VideoWriter':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.close(complete=kind is None)

    def _open(self, size: tuple[int, int]) -> OutputContainer:
        # an absolute path is never taken for a URL
        path = str(self.path.absolute())
        container = av.open(path, 'w', format='mp4', options=_CONTAINER_OPTIONS)
        self._stack.enter_context(container)
        self._size = size
        codec = next(name for name in CODECS if name in av.codecs_available)
        picture: VideoStream = container.add_stream(  # type: ignore[assignment]
            codec, 25, options=_OPTIONS.get(codec)
        )
        picture.width, picture.height = (side + side % 2 for side in size)
        picture.pix_fmt = 'yuv420p'
        picture.codec_context.time_base = _TIME_BASE
        # without these, players guess by the size
        picture.codec_context.colorspace = _SMPTE_170M
        picture.codec_context.color_range = _LIMITED
        self._picture = picture
        self._sound = self._stack.enter_context(SoundCopy(self._source))
        self._sound.add_streams(container)
        try:
            container.start_encoding()
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error
        self._container = container
        return container

    def _mux(self, container: OutputContainer, packet: av.Packet | None) -> None:
        """Write the packet before this one, which lasts until it."""
        before, self._waiting = self._waiting, packet
        if before is None:
            return
        step = min(round(self._step / before.time_base), _LONGEST)
        before.duration = step if packet is None else packet.pts - before.pts  # type: ignore[operator]
        container.mux(before)
