"""Videos, animations, cameras and objects as single images."""

import re
import warnings

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from video_case import write_video

from mmqcs.media import cameras
from mmqcs.media.frames import frames, number_of_frames
from mmqcs.media.videos import VideoInfo, ends_early, video_info


@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])
def test_video(tmp_path, suffix):
    path = write_video(tmp_path / f'v{suffix}')
    assert number_of_frames(path) == 7
    assert number_of_frames(path, every=3) == 3
    assert video_info(path).rate == 5
    assert video_info(path).count == 7
    found = list(frames(path))
    assert [frame.index for frame in found] == list(range(7))
    assert [frame.time for frame in found] == pytest.approx([i / 5 for i in range(7)])
    means = [frame.image.mean() for frame in found]
    assert means == pytest.approx([30 * i for i in range(7)], abs=4)
    assert all(frame.source == str(path) for frame in found)
    assert [frame.index for frame in frames(path, every=3)] == [0, 3, 6]


@pytest.mark.parametrize('kind', ['gif', 'webp', 'png', 'avif', 'tiff'])
def test_animation(tmp_path, kind):
    shots = [Image.new('RGB', (32, 32), (60 * i, 0, 0)) for i in range(4)]
    path = tmp_path / f'x.{kind}'
    shots[0].save(path, save_all=True, append_images=shots[1:], duration=200)
    assert number_of_frames(path) == 4
    found = list(frames(path))
    reds = [frame.image[..., 2].mean() for frame in found]
    assert reds == pytest.approx([0, 60, 120, 180], abs=3)
    assert [frame.index for frame in found] == [0, 1, 2, 3]
    times = [None] * 4 if kind == 'tiff' else pytest.approx([0, 0.2, 0.4, 0.6])
    assert [frame.time for frame in found] == times
    assert {frame.rate for frame in found} == {None if kind == 'tiff' else 5}
    assert [frame.index for frame in frames(path, every=3)] == [0, 3]
    shots[1].save(path)
    assert number_of_frames(path) == 1
    (frame,) = frames(path)
    assert frame.index is frame.time is None


def test_a_large_picture_gives_no_warning(tmp_path):
    Image.new('1', (10_000, 10_000)).save(tmp_path / 'x.png')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        (frame,) = frames(tmp_path / 'x.png')
    assert frame.error is None


def errors(item):
    return [str(frame.error) for frame in frames(item) if frame.error is not None]


def test_videos_that_cannot_be_read(tmp_path):
    empty, text, header = (tmp_path / f'{name}.mp4' for name in ('empty', 'text', 'h'))
    empty.write_bytes(b'')
    text.write_text('no video')
    write_video(header, 0)
    assert errors(empty) == [f'{empty} is empty (0 bytes)']
    assert f'{text} is not an image or a video' in errors(text)[0]
    assert len(errors(header)) == 1
    assert errors(tmp_path / 'none.mp4') == [f'no such file: {tmp_path / "none.mp4"}']


@pytest.mark.parametrize('every', [1, 4])
def test_a_video_that_is_cut_off(tmp_path, every):
    """What can be read is given, and that it is not all."""
    path = write_video(tmp_path / 'v.avi', frames=60)
    whole = list(frames(path, every=every))
    assert [frame.error for frame in whole] == [None] * (60 // every)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    *part, last = frames(path, every=every)
    assert 10 < len(part) * every < 40
    for i in range(len(part) - 1):  # the last one may be half a picture
        np.testing.assert_array_equal(part[i].image, whole[i].image)
    assert last.index == part[-1].index + 1
    read = int(re.search(r'it ends after (\d+) of 60 frames', str(last.error))[1])
    assert read - every <= last.index <= read
    assert str(path) in str(last.error)


@pytest.mark.parametrize(
    ('count', 'length', 'read', 'seconds', 'early'),
    [
        (100, 4.0, 100, 3.96, False),
        (100, 4.0, 98, 3.88, False),  # counted roughly
        (100, 4.0, 60, 2.36, True),
        (100, 4.0, 60, 3.96, False),  # fewer frames a second than it says
        (100, 4.0, 100, 2.0, False),  # the last frame is shown for long
        (10_000, 10.0, 250, 9.96, False),  # a rate of 1000, as browsers record
        (1, 0.04, 1, 0.0, False),
        (None, None, 60, 2.36, False),  # a camera
    ],
)
def test_whether_a_video_ends_early(count, length, read, seconds, early):
    assert ends_early(VideoInfo(25, count, length), read, seconds) == early


def test_a_video_with_fewer_frames_than_its_rate_says(tmp_path):
    """It is whole, however few of its frames are taken."""
    times = [i / 15 for i in range(60)]
    path = write_video(tmp_path / 'v.mp4', 60, rate=25, times=times)
    first, second = frames(path, every=40)
    assert first.error is second.error is None
    assert second.time == pytest.approx(40 / 15, abs=0.001)


def test_sound_that_outlasts_the_frames_is_no_damage(tmp_path):
    for suffix in ('.mkv', '.mp4'):
        path = write_video(tmp_path / f'v{suffix}', 5, sounds=['aac'], seconds=20)
        assert errors(path) == []


def test_times_are_those_of_the_presentation(tmp_path):
    """Variable rates, B-frames, and clocks that do not start at 0 (MPEG-TS)."""
    times = [0.0, 0.04, 0.08, 1.5, 1.54, 4.0, 4.5]
    found = list(frames(write_video(tmp_path / 'v.mp4', rate=25, times=times)))
    assert [frame.time for frame in found] == pytest.approx(times, abs=0.001)
    assert [frame.image.mean() for frame in found] == pytest.approx(
        [30 * i for i in range(7)], abs=4
    )
    found = list(frames(write_video(tmp_path / 'v.ts', rate=25)))
    expected = [i / 25 for i in range(7)]
    assert [frame.time for frame in found] == pytest.approx(expected, abs=0.001)


def test_times_increase_where_recordings_were_joined(tmp_path):
    path = write_video(tmp_path / 'v.ts', rate=25)
    path.write_bytes(2 * path.read_bytes())
    times = [frame.time for frame in frames(path)]
    assert len(times) == 14
    assert np.diff(times) == pytest.approx(1 / 25, abs=0.001)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_frames_are_upright(tmp_path, orientation):
    """The eight orientations that telephones store; Pillow knows them, too."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :16] = 255
    image[:12, 48:] = 128
    one = 65536
    a, b, c, d = {
        1: (one, 0, 0, one),
        2: (-one, 0, 0, one),
        3: (-one, 0, 0, -one),
        4: (one, 0, 0, -one),
        5: (0, one, one, 0),
        6: (0, one, -one, 0),
        7: (0, -one, -one, 0),
        8: (0, -one, one, 0),
    }[orientation]
    matrix = [a, b, 0, c, d, 0, 0, 0, 2**30]
    path = write_video(tmp_path / 'v.mp4', [image] * 2, matrix=matrix)
    (frame, _) = frames(path)
    photo = Image.fromarray(image)
    photo.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(photo)).astype(int)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image - expected).mean() < 4


def test_a_video_without_frames(tmp_path):
    path = write_video(tmp_path / 'v.mkv', 0, sounds=['aac'], seconds=1)
    assert errors(path) == [f'{path} is a video without frames']
    path = tmp_path / 'sound.mp4'
    with av.open(str(path), 'w') as file:
        track = file.add_stream('aac', rate=48_000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 2 * 1024), np.int16), 's16', 'stereo'
        )
        silence.sample_rate = 48_000
        file.mux(track.encode(silence))
        file.mux(track.encode(None))
    assert errors(path) == [f'{path} has no frames, only sound or other data']


def test_images_that_cannot_be_read(tmp_path):
    (tmp_path / 'x.png').write_text('text')
    (error,) = errors(tmp_path / 'x.png')
    assert error.startswith(f'{tmp_path / "x.png"} is not an image')
    assert errors(tmp_path / 'none.png') == [f'no such file: {tmp_path / "none.png"}']
    (frame,) = frames(np.zeros((4, 4)), number=3)
    assert frame.source == 'array 3'
    assert 'array 3 must be a BGR array' in str(frame.error)


def test_a_camera_that_is_not_there():
    (error,) = errors(97)
    assert error.startswith('camera 97 cannot be opened: no camera with this number')


def test_a_camera_that_disappears(tmp_path, monkeypatch):
    """A file stands for the camera: OpenCV reads both by the same object."""
    path = write_video(tmp_path / 'v.avi', 4)
    opened = []
    capture = cv2.VideoCapture

    def open_camera(number):
        opened.append(number)
        return capture(str(path))

    monkeypatch.setattr(cameras.cv2, 'VideoCapture', open_camera)
    clock = iter([10.0, 10.5, 10.75, 13.0])
    monkeypatch.setattr(cameras.time, 'monotonic', lambda: next(clock))
    *found, last = frames(2)
    assert opened == [2]
    assert [frame.source for frame in found] == ['camera 2'] * 4
    assert [frame.index for frame in found] == [0, 1, 2, 3]
    assert [frame.time for frame in found] == [0, 0.5, 0.75, 3]
    assert {frame.error for frame in found} == {None}
    assert 'camera 2 gives no more images after 4 frames' in str(last.error)
