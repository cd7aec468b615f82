"""Reads videos and cameras with OpenCV."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2

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
# markers of files that FFmpeg reads as lists of other files or URLs
_REFERENCES = (b'c=in ip', b'<mpd', b'<compositionplaylist', b'#extm3u', b'ffconcat')


class VideoInfo(NamedTuple):
    """Properties that a video states."""

    rate: float
    """Frames per second; 25 if not stated."""
    count: int | None
    """Number of frames, or None if not stated."""
    length: float | None = None
    """Duration in seconds, or None if not stated."""


def is_video_head(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a video.

    FFmpeg opens the files and URLs that playlists and session descriptions contain.
    These are text, so text is refused.
    """
    head = head[:HEAD]
    text, zero, _ = head.partition(b'\0')
    if not zero or any(mark in text.lower() for mark in _REFERENCES):
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
def _open_video(item: str | Path | int) -> Iterator[cv2.VideoCapture]:
    """Open a file that starts as a video, or a camera by its number."""
    with ExitStack() as stack:
        if isinstance(item, int):
            name, what = f'camera {item}', 'no camera with this number'
            place = (item,)
        else:
            name, what = str(item), 'OpenCV cannot read it as a video'
            file = stack.enter_context(open_file(item))
            place = (_address(file), cv2.CAP_FFMPEG)
        stack.enter_context(translate_errors(name))
        capture = cv2.VideoCapture(*place)
        stack.callback(capture.release)
        if not capture.isOpened():
            raise ImageError(f'{name} cannot be opened: {what}')
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_FRAME_PIXELS:
            check_size(name, width, height, MAX_FRAME_PIXELS)
        yield capture


def _address(file: BinaryIO) -> str:
    """Return a path of an open file that FFmpeg and OpenCV cannot misinterpret.

    A path can look like a URL (``http:x``) or an image sequence (``%03d.jpg``), and
    OpenCV crashes on paths that are not UTF-8.
    """
    descriptor = f'/dev/fd/{file.fileno()}'
    return descriptor if os.path.exists(descriptor) else os.path.abspath(file.name)


def video_info(item: str | Path | int) -> VideoInfo:
    """Return the properties of a video or camera without reading its frames."""
    with _open_video(item) as capture:
        return _info(capture)


def _info(capture: cv2.VideoCapture) -> VideoInfo:
    rate = capture.get(cv2.CAP_PROP_FPS)
    number = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    count = int(number) if 0 < number < 2**31 else None  # neither NaN nor infinite
    length = count / rate if count is not None and rate > 0 else None
    return VideoInfo(rate if 0 < rate < 1000 else 25.0, count, length)


def video_frames(item: str | Path | int, source: str, every: int) -> Iterator[Frame]:
    """Read every ``every``-th frame of a video or camera that is named ``source``.

    If a video is damaged, readable frames are yielded before the ``ImageError``.
    """
    with _open_video(item) as capture:
        info = _info(capture)
        index, seconds, damaged = -1, 0.0, []
        while capture.grab():
            index += 1
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if index % every:
                continue
            read, image = capture.retrieve()
            if read:
                yield Frame(source, image, index, seconds, info.rate)
                del image  # to free it while the next one is read
            else:
                damaged.append(index)
        if index < 0:
            raise ImageError(f'{source} is a video without frames')
        if damaged:
            raise ImageError(
                f'{source} is damaged: {len(damaged)} of {index + 1} frames cannot be '
                f'read, the first is frame {damaged[0]}'
            )
        if ends_early(info, index + 1, seconds):
            raise ImageError(
                f'{source} is damaged: it ends after {index + 1} of {info.count} frames'
            )


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
