"""Written videos: times, sound, sizes, interruptions and full disks."""

import resource
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from video_case import pitch_of, sound_of, write_video

from mmqcs.media import sound, videos
from mmqcs.media import write_video as module
from mmqcs.media.frames import frames
from mmqcs.media.write_video import VideoWriter


def shots(count=7, size=(64, 48)):
    return [np.full((size[1], size[0], 3), 30 * i, np.uint8) for i in range(count)]


def rewrite(path, out, every=1, complete=True):
    """Copy a video frame by frame, and return the writer."""
    writer = VideoWriter(out, path)
    for frame in frames(path, every=every):
        if frame.error is None:
            writer.write(frame.image, frame.time)
    writer.close(complete)
    return writer


def length_of(path, kind):
    with av.open(str(path)) as file:
        stream = file.streams.best(kind)
        return float(stream.duration * stream.time_base)


@pytest.mark.parametrize('codec', ['libx264', 'mpeg4'])
def test_frames_keep_their_times(tmp_path, monkeypatch, codec):
    monkeypatch.setattr(module, 'CODECS', (codec,))
    times = [0.0, 0.04, 0.08, 1.5, 1.54, 4.0, 4.5]
    path = tmp_path / 'v.mp4'
    with VideoWriter(path) as writer:
        for image, time in zip(shots(), times, strict=True):
            writer.write(image, time)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == {'libx264': 'h264'}.get(codec, codec)
        assert stream.codec_context.pix_fmt == 'yuv420p'
        assert stream.frames == 7
    found = list(frames(path))
    assert [frame.error for frame in found] == [None] * 7
    assert [frame.time for frame in found] == pytest.approx(times, abs=1e-4)
    means = [frame.image.mean() for frame in found]
    assert means == pytest.approx([30 * i for i in range(7)], abs=4)
    assert length_of(path, 'video') == pytest.approx(5.0, abs=0.001)  # as the last step


@pytest.mark.parametrize('rate', [Fraction(30_000, 1001), 24, 50, 120, 1])
def test_rates(tmp_path, rate):
    path = tmp_path / 'v.mp4'
    with VideoWriter(path) as writer:
        for index, image in enumerate(shots()):
            writer.write(image, float(index / rate))
    assert videos.video_info(path).rate == pytest.approx(float(rate), rel=1e-4)


def test_equal_times_are_kept_apart(tmp_path):
    path = tmp_path / 'v.mp4'
    with VideoWriter(path) as writer:
        for image, time in zip(shots(), [0, 0, 0, 0.1, 0.1, 0.2, 0.3], strict=True):
            writer.write(image, time)
    assert len(list(frames(path))) == 7


@pytest.mark.parametrize('size', [(64, 48), (63, 47), (16, 9), (4096, 16)])
def test_sizes(tmp_path, size):
    path = tmp_path / 'v.mp4'
    with VideoWriter(path) as writer:
        writer.write(shots(1, size)[0], 0)
        writer.write(shots(1, (30, 30))[0], 1)  # scaled to that of the first
    first, second = frames(path)
    height, width = first.image.shape[:2]
    assert (width, height) == tuple(side + side % 2 for side in size)
    assert second.image.shape == first.image.shape


@pytest.mark.parametrize(
    ('suffix', 'codec', 'copied'),
    [
        ('.mp4', 'aac', True),
        ('.mp4', 'libmp3lame', True),
        ('.mkv', 'libopus', True),
        ('.mkv', 'flac', True),
        ('.mkv', 'ac3', True),
        ('.ts', 'aac', True),
        ('.flv', 'aac', True),
        ('.mkv', 'pcm_s16le', False),
        ('.avi', 'pcm_s16le', False),
        ('.wmv', 'wmav2', False),
        ('.mov', 'pcm_s16le', False),
    ],
)
def test_sound_is_kept(tmp_path, suffix, codec, copied):
    """It is copied if MP4 holds it, else encoded, and stays at its time."""
    path, out = tmp_path / f'v{suffix}', tmp_path / 'out.mp4'
    kinds = {'.flv': 'flv', '.wmv': 'wmv2', '.mkv': 'libx264'}
    write_video(path, 50, rate=25, codec=kinds.get(suffix), sounds=[codec])
    assert rewrite(path, out).notes == []
    with av.open(str(path)) as one, av.open(str(out)) as other:
        (track,) = other.streams.audio
        name = one.streams.audio[0].codec_context.name if copied else 'aac'
        assert track.codec_context.name == name
        if copied:
            packets = [
                [bytes(x) for x in file.demux(audio=0) if x.size]
                for file in (one, other)
            ]
            assert packets[1] == packets[0] or suffix == '.ts'  # which adds headers
    samples, start = sound_of(out)
    expected, _ = sound_of(path)
    assert len(samples) == pytest.approx(len(expected), abs=4096)
    assert pitch_of(samples) == pytest.approx(300, abs=2)
    assert start == pytest.approx(0, abs=0.05)
    assert len(list(frames(out))) == 50


def test_sound_stays_in_step(tmp_path):
    """Silence, and then a tone from second 1: in the copy as well."""
    path, out = tmp_path / 'v.ts', tmp_path / 'out.mp4'
    write_video(path, 50, rate=25, sounds=['aac'], silence=1.0)

    def begin(path):
        samples, start = sound_of(path)
        with av.open(str(path)) as file:
            first = next(file.decode(video=0)).time
        loud = np.flatnonzero(np.abs(samples) > 0.1)[0]
        return start + loud / 48_000 - first

    rewrite(path, out)
    assert begin(path) == pytest.approx(1, abs=0.03)
    assert begin(out) == pytest.approx(begin(path), abs=0.03)


def test_all_tracks_are_kept(tmp_path):
    path, out = tmp_path / 'v.mkv', tmp_path / 'out.mp4'
    write_video(path, 25, rate=25, codec='libx264', sounds=['aac', 'pcm_s16le', 'ac3'])
    assert rewrite(path, out).notes == []
    for track in range(3):
        samples, _ = sound_of(out, track)
        assert pitch_of(samples) == pytest.approx(300 * (track + 1), abs=2)


@pytest.mark.parametrize(('every', 'seconds'), [(1, 9.0), (10, 2.0), (10, 9.0)])
def test_sound_is_whole(tmp_path, every, seconds):
    """Also if only some frames are taken, and if it is longer than they are."""
    path, out = tmp_path / 'v.mp4', tmp_path / 'out.mp4'
    write_video(path, 50, rate=25, sounds=['aac'], seconds=seconds)
    rewrite(path, out, every)
    assert length_of(out, 'audio') == pytest.approx(seconds, abs=0.05)
    assert length_of(out, 'video') == pytest.approx(2.0, abs=0.001)


def test_sound_of_a_part(tmp_path):
    path, out = tmp_path / 'v.mp4', tmp_path / 'out.mp4'
    write_video(path, 50, rate=25, sounds=['aac', 'libmp3lame'], seconds=9)
    rewrite(path, out, complete=False)
    assert length_of(out, 'audio') == pytest.approx(2, abs=0.1)
    with pytest.raises(ZeroDivisionError), VideoWriter(out, path) as writer:
        for image in shots(5):
            writer.write(image, len(writer.notes))
        raise ZeroDivisionError
    assert length_of(out, 'audio') < 0.5


def test_a_source_without_sound(tmp_path):
    assert rewrite(write_video(tmp_path / 'v.mp4'), tmp_path / 'o.mp4').notes == []
    (tmp_path / 'a.gif').write_bytes(b'GIF89a')
    for source in (tmp_path / 'a.gif', None):
        with VideoWriter(tmp_path / 'o.mp4', source) as writer:
            writer.write(shots(1)[0], 0)
        assert writer.notes == []


def test_sound_that_is_gone(tmp_path):
    out = tmp_path / 'out.mp4'
    with VideoWriter(out, tmp_path / 'none.mp4') as writer:
        writer.write(shots(1)[0], 0)
    (note,) = writer.notes
    assert 'sound was left out' in note and 'none.mp4' in note


def test_damaged_sound(tmp_path, monkeypatch):
    """Packets that cannot be decoded are left out; a full disk is an error."""
    path, out = tmp_path / 'v.mkv', tmp_path / 'out.mp4'
    write_video(path, 50, rate=25, codec='libx264', sounds=['pcm_s16le'])
    encode, calls = sound._Track._encode, []
    error = av.error.InvalidDataError(1, 'damaged')

    def fail(*args):
        calls.append(args)
        if len(calls) in (10, 11):
            raise error
        encode(*args)

    monkeypatch.setattr(sound._Track, '_encode', fail)
    (note,) = rewrite(path, out).notes
    assert '2 packets of sound track 1 cannot be read' in note
    samples, _ = sound_of(out)
    assert len(samples) == pytest.approx(2 * 48_000, abs=5000)
    calls.clear()
    error = av.error.OSError(28, 'No space left on device')
    with pytest.raises(OSError, match='No space left'):
        rewrite(path, out)


def test_sound_without_a_presentation_time(tmp_path, monkeypatch):
    """Such a packet has no place in the copy, and counts as damaged."""
    path, out = tmp_path / 'v.mkv', tmp_path / 'out.mp4'
    write_video(path, 25, rate=25, codec='libx264', sounds=['aac'])
    copy, calls = sound._Track._copy, []

    def untimed(track, packet, output):
        calls.append(packet)
        if len(calls) == 10:
            packet.pts = None
        copy(track, packet, output)

    monkeypatch.setattr(sound._Track, '_copy', untimed)
    (note,) = rewrite(path, out).notes
    assert note.startswith('1 packets of sound track 1 cannot be read')


def test_unknown_sound_is_left_out(tmp_path, monkeypatch):
    path, out = tmp_path / 'v.mkv', tmp_path / 'out.mp4'
    write_video(path, 25, rate=25, codec='libx264', sounds=['aac', 'pcm_s16le'])
    make = sound._Track

    def refuse(number, *args):
        if number == 2:
            raise ValueError('a reason')
        return make(number, *args)

    monkeypatch.setattr(sound, '_Track', refuse)
    assert rewrite(path, out).notes == ['sound track 2 was left out: a reason']
    assert len(av.open(str(out)).streams.audio) == 1


SCRIPT = """
import os, sys
import numpy as np
from pathlib import Path
from mmqcs.media.write_video import VideoWriter
writer = VideoWriter(Path(sys.argv[1]), sys.argv[2])
rng = np.random.default_rng(0)
for index in range(int(sys.argv[3])):
    image = rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)
    writer.write(image, index / 25)
    if index == 200:
        os._exit(9)
"""


def run(*args, **options):
    command = [sys.executable, '-c', SCRIPT, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_a_process_that_is_killed(tmp_path):
    """The file is never closed, and can be read."""
    path, out = tmp_path / 'v.mp4', tmp_path / 'out.mp4'
    write_video(path, 250, rate=25, sounds=['aac'])
    assert run(out, path, 250).returncode == 9
    found = [frame for frame in frames(out) if frame.error is None]
    assert 150 < len(found) <= 201
    samples, _ = sound_of(out)
    assert len(samples) / 48_000 == pytest.approx(len(found) / 25, abs=1.5)


def test_a_full_disk(tmp_path):
    """A limit on the size of files stands for it."""
    path, out = tmp_path / 'v.mp4', tmp_path / 'out.mp4'
    write_video(path, 250, rate=25, sounds=['aac'])

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))

    done = run(out, path, 190, preexec_fn=limit)
    assert 'OSError' in done.stderr
    assert len([frame for frame in frames(out) if frame.error is None]) > 10


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match='out.mp4'):
        VideoWriter(tmp_path / 'none/out.mp4').write(shots(1)[0], 0)
