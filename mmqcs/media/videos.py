"""Reads videos with PyAV, from files that cannot be trusted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from packaging.version import Version

from .files import ImageError, open_file
from .read_image import Frame, check_size, is_heif, translate_errors

MAX_FRAME_PIXELS = 2**25
"""Maximum number of pixels of a frame of a video or an animation: just above 8K,
because decoders keep several frames in memory."""

HEAD = 4096
"""Number of bytes that identify a video."""

_STARTS = (
    *(b'\x1a\x45\xdf\xa3', b'FLV\x01', b'OggS', b'.RMF', b'DKIF', b'YUV4MPEG2 '),
    b'\x30\x26\xb2\x75\x8e\x66\xcf\x11',  # WMV
    b'\x06\x0e\x2b\x34',  # MXF
    *(b'\0\0\x01\xba', b'\0\0\x01\xb3', b'\0\0\x01\xb0'),  # MPEG-PS, MPEG-1, -2, -4
    *(b'\0\0\0\x01\x67', b'\0\0\0\x01\x40'),  # raw H.264, H.265
)
_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'pnot')  # MP4, MOV

_OPTIONS = {
    # no lists of files and no text
    'format_whitelist': (
        'asf,avi,flv,h264,hevc,ivf,m4v,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,'
        'mpegts,mpegvideo,mxf,ogg,rm,yuv4mpegpipe'
    ),
    'protocol_whitelist': 'none',  # what a container refers to is not opened
    'max_pixels': str(MAX_FRAME_PIXELS),
}
"""Options of FFmpeg: formats it may recognise, protocols it may use, and pixels."""

# PyAV 19 always reads titles and other text that are not UTF-8
_METADATA: dict[str, Any] = (
    {'metadata_errors': 'replace'} if Version(av.__version__).major < 19 else {}
)


@dataclass(frozen=True)
class VideoInfo:
    """Properties that a video states."""

    rate: float
    """Frames per second; 25 if not stated."""
    count: int | None
    """Number of frames, or None if not stated."""
    length: float | None = None
    """Duration in seconds, or None if not stated."""


def is_video_head(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a video.

    Playlists and session descriptions contain files and URLs for FFmpeg to open. These
    are text, so text is refused.
    """
    head = head[:HEAD]
    if b'\0' not in head:
        return False
    if head[4:8] in _BOXES:
        return not is_heif(head) and head[8:12] not in (b'avif', b'avis')
    if head[:4] == b'RIFF':
        return head[8:12] == b'AVI '
    # packets of MPEG-TS have 188 bytes; cameras put a time of 4 bytes before each
    packets = b'GGG' in (head[:377:188], head[4:389:192])
    return packets or head.startswith(_STARTS)


def is_video(path: str | Path) -> bool:
    """Return whether a file starts as a video."""
    with open_file(path) as file:
        return is_video_head(file.read(HEAD))


@contextmanager
def open_video(path: str | Path) -> Iterator[InputContainer]:
    """Open a file that starts as a video; FFmpeg gets its bytes and nothing else.

    Raises:
        FileNotFoundError, ImageError: The file cannot be read as a video.
    """
    with open_file(path) as file, translate_errors(str(path)):
        try:
            container = av.open(_Nameless(file), 'r', options=_OPTIONS, **_METADATA)
        except av.FFmpegError as error:
            reason = f'FFmpeg cannot read it as a video: {error.strerror}'
            raise ImageError(f'{path} cannot be opened: {reason}') from error
        with container:
            yield container


class _Nameless:
    """An open file without its name, which FFmpeg would use to guess the format."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def picture_of(container: InputContainer, name: str) -> VideoStream:
    """Return the stream of frames of a container."""
    stream = container.streams.best('video')
    if not isinstance(stream, VideoStream):
        raise ImageError(f'{name} has no frames, only sound or other data')
    size = stream.codec_context.width, stream.codec_context.height
    if size[0] * size[1] > MAX_FRAME_PIXELS:
        check_size(name, *size, MAX_FRAME_PIXELS)
    # frames can be larger than the container says
    stream.codec_context.options = {'max_pixels': _OPTIONS['max_pixels']}
    return stream


def video_info(path: str | Path) -> VideoInfo:
    """Return the properties of a video without reading its frames."""
    with open_video(path) as container:
        return _info(container, picture_of(container, str(path)))


def _info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    rate = float(stream.average_rate or 0)
    rate = rate if 0 < rate < 1000 else 25.0
    length = None if container.duration is None else container.duration / av.time_base
    estimate = None if length is None else round(length * rate)
    return VideoInfo(rate, stream.frames or estimate or None, length)


def video_frames(path: str | Path, source: str, every: int) -> Iterator[Frame]:
    """Read every ``every``-th frame of a video that is named ``source``.

    Frames are upright, and their times are those of their presentation in seconds after
    the first. If a video is damaged, readable frames are yielded before the
    ``ImageError``.
    """
    with open_video(path) as container:
        stream = picture_of(container, source)
        info = _info(container, stream)
        clock = _Clock(start_of(stream), info.rate)
        index, end, damaged, matrix = -1, 0.0, [], None
        # packets of all streams show whether the file ends early
        for packet in _packets(container, source):
            if packet.pts is not None:
                end = max(end, float(packet.pts * packet.time_base))
            if packet.stream is not stream:
                continue
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                index += 1
                damaged.append(index)
                continue
            for shown in decoded:
                index += 1
                seconds = clock.read(shown)
                # once, because reading it keeps a frame in memory
                matrix = matrix or _display_matrix(shown)
                if index % every == 0:
                    check_size(source, shown.width, shown.height, MAX_FRAME_PIXELS)
                    image = _upright(shown.to_ndarray(format='bgr24'), matrix)
                    yield Frame(source, image, index, seconds, info.rate)
                    del image  # to free it while the next one is read
        if index < 0:
            raise ImageError(f'{source} is a video without frames')
        reasons = []
        end -= (container.start_time or 0) / av.time_base
        if ends_early(info, index + 1, end):
            reasons.append(f'it ends after {index + 1} of {info.count} frames')
        if damaged:
            count = f'{len(damaged)} of {index + 1} frames'
            reasons.append(f'{count} cannot be read, the first is frame {damaged[0]}')
        if reasons:
            raise ImageError(f'{source} is damaged: {"; ".join(reasons)}')


def start_of(stream: VideoStream) -> float | None:
    """Return the time of the first frame on the clock of the file, in seconds."""
    if stream.start_time is None or stream.time_base is None:
        return None
    return float(stream.start_time * stream.time_base)


class _Clock:
    """Presentation times of frames in seconds, which increase from frame to frame."""

    def __init__(self, start: float | None, rate: float) -> None:
        self.start = start
        self.step = 1 / rate
        self.last = -self.step

    def read(self, frame: VideoFrame) -> float:
        """Return the time of the next frame."""
        time = frame.time
        if self.start is None:
            self.start = time
        following = self.last + self.step
        if time is None:
            self.last = following
            return following
        if time - self.start <= self.last:  # as where two recordings were joined
            self.start = time - following
        self.last = time - self.start
        return self.last


def _packets(container: InputContainer, source: str) -> Iterator[av.Packet]:
    try:
        yield from container.demux()
    except av.FFmpegError as error:
        raise ImageError(f'{source} is damaged: {error.strerror}') from error


def _display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return (a, b, c, d) of the matrix that telephones store with a video.

    It maps (x, y) to (a x + c y, b x + d y), as a viewer shows them.
    """
    data = frame.side_data.get('DISPLAYMATRIX')
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()  # type: ignore[call-overload]
    return a, b, c, d


def _upright(image: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Rotate and flip an image by quarter turns."""
    a, b, c, d = matrix
    if abs(b) > abs(a):
        image, a, d = image.transpose(1, 0, 2), c, b
    image = image[:, ::-1] if a < 0 else image
    image = image[::-1] if d < 0 else image
    return np.ascontiguousarray(image)


def ends_early(info: VideoInfo, read: int, seconds: float) -> bool:
    """Return whether frames are missing after ``read`` frames and ``seconds``.

    With a variable rate, the stated number of frames can be an estimate, or the last
    frame can be long. Therefore a video only ends early if both frames and seconds are
    missing.
    """
    if info.count is None or info.length is None:
        return False
    whole = 0.98 - 1 / info.count
    end = seconds + info.length / info.count
    return read / info.count < whole and end / info.length < whole
