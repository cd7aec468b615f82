"""Copies the sound of a video into another file."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer

from .files import ImageError
from .videos import is_video, open_video, picture_of, start_of

COPIED = frozenset({'aac', 'ac3', 'alac', 'eac3', 'flac', 'mp2', 'mp3', 'opus'})
"""Sound that MP4 holds and that common players know; other sound becomes AAC."""

_AAC_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

_PRIMING = 0.1
"""Seconds of sound before the first frame that are kept: decoders start with it."""


class SoundCopy:
    """The sound tracks of a video, to be written into an MP4 file.

    Time 0 is that of the first frame of the video. Tracks that cannot be read do not
    raise errors, but are described in ``notes``.

    Args:
        path: A file, from which only a video has tracks; or None.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.notes: list[str] = []
        self._path = path
        self._stack = ExitStack()
        self._packets: Iterator[av.Packet] = iter(())
        self._next: av.Packet | None = None
        self._tracks: dict[int, _Track] = {}
        self._start = 0.0

    def __enter__(self) -> 'SoundCopy':
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_streams(self, output: OutputContainer) -> None:
        """Add one stream for each track to a file, before its header is written."""
        try:
            if self._path is None or not is_video(self._path):
                return
            source = self._stack.enter_context(open_video(self._path))
            self._start = start_of(picture_of(source, str(self._path))) or 0.0
        except (ImageError, FileNotFoundError) as error:
            self.notes.append(f'the sound was left out: {error}')
            return
        for number, stream in enumerate(source.streams.audio, 1):
            try:
                self._tracks[stream.index] = _Track(number, stream, output, self._start)
            except (av.FFmpegError, ValueError) as error:
                self.notes.append(f'sound track {number} was left out: {error}')
        if self._tracks:
            streams = [track.source for track in self._tracks.values()]
            self._packets = self._read(source, streams)

    def copy(self, output: OutputContainer, until: float | None) -> None:
        """Write all sound that starts before a time in seconds, or the rest."""
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None:
                return
            if until is not None and _time(packet) - self._start > until:
                return
            self._next = None
            self._tracks[packet.stream.index].write(packet, output)

    def finish(self, output: OutputContainer) -> None:
        """Write what the encoders still hold."""
        for track in self._tracks.values():
            track.finish(output)
            if track.damaged:
                what = f'{track.damaged} packets of sound track {track.number}'
                self.notes.append(f'{what} cannot be read and were left out')

    def _read(
        self, source: InputContainer, streams: list[AudioStream]
    ) -> Iterator[av.Packet]:
        try:
            for packet in source.demux(streams):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self.notes.append(f'the sound ends early: {error.strerror}')


def _time(packet: av.Packet) -> float:
    """Return the time of a packet; one without is written at once."""
    return -math.inf if packet.dts is None else float(packet.dts * packet.time_base)


class _Track:
    """One sound track, which is copied or encoded."""

    def __init__(
        self, number: int, stream: AudioStream, output: OutputContainer, start: float
    ) -> None:
        self.number = number
        self.source = stream
        self.damaged = 0  # packets
        self._start = start
        self._last: int | None = None
        if stream.codec_context is None:
            raise ValueError('FFmpeg cannot decode it')
        name = stream.codec_context.codec.canonical_name
        self._copied = name in COPIED
        self._filter: BitStreamFilterContext | None = None
        if name == 'aac' and not stream.codec_context.extradata:
            # MPEG-TS has a header in each packet, MP4 one for the track
            self._filter = BitStreamFilterContext('aac_adtstoasc', stream)
        if self._copied:
            self._target = output.add_stream_from_template(stream)
        else:
            rate = min(_AAC_RATES, key=lambda rate: abs(rate - stream.rate))
            layout = 'mono' if stream.channels == 1 else 'stereo'
            self._target = output.add_stream('aac', rate, layout=layout)
        if stream.language:
            self._target.metadata['language'] = stream.language

    def write(self, packet: 'av.Packet[AudioStream]', output: OutputContainer) -> None:
        """Write a packet of the source, or count it as damaged."""
        try:
            if self._copied:
                self._copy(packet, output)
            else:
                self._encode(packet.decode(), output)
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # the disk is full
                raise
            self.damaged += 1

    def finish(self, output: OutputContainer) -> None:
        """Write what the decoder and the encoder still hold."""
        if not self._copied:
            self._encode(self.source.decode(None), output)
            output.mux(self._target.encode(None))

    def _copy(self, packet: 'av.Packet[AudioStream]', output: OutputContainer) -> None:
        if packet.dts is None or packet.pts is None:
            self.damaged += 1
            return
        shift = round(self._start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if packet.pts * packet.time_base < -_PRIMING:
            return  # before the first frame
        if self._last is not None and packet.dts <= self._last:
            self.damaged += 1
            return
        self._last = packet.dts
        for ready in [packet] if self._filter is None else self._filter.filter(packet):
            ready.stream = self._target
            output.mux(ready)

    def _encode(self, frames: list[av.AudioFrame], output: OutputContainer) -> None:
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(self._start / frame.time_base)
                if frame.pts < 0:
                    continue
            output.mux(self._target.encode(frame))
