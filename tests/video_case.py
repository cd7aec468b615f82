"""Videos for tests, written with PyAV."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {'.avi': 'mjpeg', '.mp4': 'libx264', '.webm': 'libvpx', '.ts': 'mpeg2video'}


def write_video(
    path: Path,
    frames: Iterable[np.ndarray] | int = 7,
    rate: int = 5,
    size: tuple[int, int] = (64, 48),
    codec: str | None = None,
    times: Sequence[float] | None = None,
    sounds: Sequence[str] = (),
    seconds: float | None = None,
    matrix: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    silence: float = 0.0,
) -> Path:
    """Write BGR frames, or a number of frames that grow brighter.

    ``times`` are those of the frames, in seconds; ``sounds`` the codecs of the sound
    tracks, each with a sine of another pitch, ``seconds`` long,
    after ``silence`` of some seconds.
    """
    if isinstance(frames, int):
        shape = size[1], size[0], 3
        frames = [np.full(shape, 30 * (i % 8), np.uint8) for i in range(frames)]
    frames = list(frames)
    codec = codec or CODECS.get(path.suffix, 'mpeg4')
    with av.open(str(path), 'w', options=options or {}) as file:
        picture = file.add_stream(codec, rate=rate)
        if frames:
            picture.height, picture.width = frames[0].shape[:2]
        else:
            picture.width, picture.height = size
        picture.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        if matrix is not None:
            picture.set_display_matrix(matrix)
        if times is not None:
            picture.codec_context.time_base = Fraction(1, 1000)
        tracks = [file.add_stream(sound, rate=48_000) for sound in sounds]
        for track in tracks:
            track.layout, track.bit_rate = 'mono', 64_000
        file.start_encoding()
        length = len(frames) / rate if seconds is None else seconds
        for number, track in enumerate(tracks):
            _write_sound(file, track, 300 * (number + 1), length, silence)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            if times is not None:
                frame.pts, frame.time_base = (
                    round(1000 * times[index]),
                    Fraction(1, 1000),
                )
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
    return path


def _write_sound(
    file: Any, track: Any, pitch: int, seconds: float, silence: float
) -> None:
    count = round(48_000 * seconds)
    sine = np.sin(2 * np.pi * pitch * np.arange(count) / 48_000)
    sine[: round(48_000 * silence)] = 0
    for start in range(0, count, 960):
        part = (8000 * sine[None, start : start + 960]).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(part, format='s16', layout='mono')
        frame.sample_rate, frame.pts = 48_000, start
        file.mux(track.encode(frame))
    file.mux(track.encode(None))


def sound_of(path: Path, track: int = 0) -> tuple[np.ndarray, float]:
    """Return the samples of a sound track, (N,), and the time of the first."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[track]
        resampler = av.AudioResampler('flt', 'mono', 48_000)
        start, parts = None, []
        for frame in file.decode(stream):
            start = frame.time if start is None else start
            parts += [x.to_ndarray()[0] for x in resampler.resample(frame)]
    return np.concatenate(parts), start


def pitch_of(samples: np.ndarray) -> float:
    """Return the strongest frequency of samples at 48 kHz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / 48_000)[spectrum.argmax()])
