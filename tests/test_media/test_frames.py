"""Videos, animations, cameras and objects as single images."""

import re
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from mmqcs.media import videos as module
from mmqcs.media.frames import frames, number_of_frames
from mmqcs.media.videos import VideoInfo, ends_early, video_info


def write_video(path, count=7, rate=5, size=(64, 48)):
    """A video whose frames grow brighter."""
    code = cv2.VideoWriter.fourcc(*'mp4v' if path.suffix == '.mp4' else 'MJPG')
    writer = cv2.VideoWriter(str(path), code, rate, size)
    for i in range(count):
        writer.write(np.full((size[1], size[0], 3), 30 * (i % 8), np.uint8))
    writer.release()
    return path


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
    return [str(frame.error) for frame in frames(item)]


def test_videos_that_cannot_be_read(tmp_path):
    empty, text, header = (tmp_path / f'{name}.mp4' for name in ('empty', 'text', 'h'))
    empty.write_bytes(b'')
    text.write_text('no video')
    write_video(header, count=0)
    assert errors(empty) == [f'{empty} is empty (0 bytes)']
    assert f'{text} is not an image or a video' in errors(text)[0]
    assert len(errors(header)) == 1
    assert errors(tmp_path / 'none.mp4') == [f'no such file: {tmp_path / "none.mp4"}']


@pytest.mark.parametrize('every', [1, 4])
def test_a_video_that_is_cut_off(tmp_path, every):
    """What can be read is given, and that it is not all."""
    path = write_video(tmp_path / 'v.avi', count=60)
    whole = list(frames(path, every=every))
    assert [frame.error for frame in whole] == [None] * (60 // every)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    *part, last = frames(path, every=every)
    assert 10 < len(part) * every < 40
    for i in range(len(part) - 1):  # the last one may be half a picture
        np.testing.assert_array_equal(part[i].image, whole[i].image)
    assert last.index == part[-1].index + 1
    read = int(re.search(r'it ends after (\d+) of 60 frames', str(last.error))[1])
    assert read - every < last.index <= read
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


def test_a_video_with_fewer_frames_a_second_than_it_says(tmp_path, monkeypatch):
    """It is whole, however few of its frames are taken."""

    class Slow:
        says = {cv2.CAP_PROP_FPS: 25, cv2.CAP_PROP_FRAME_COUNT: 100}
        index = -1

        def isOpened(self):  # noqa: N802
            return True

        def get(self, what):
            return self.says.get(what, 1000 * self.index / 15)

        def grab(self):
            self.index += 1
            return self.index < 60

        def retrieve(self):
            return True, np.zeros((8, 8, 3), np.uint8)

        def release(self):
            pass

    path = write_video(tmp_path / 'v.mp4')
    monkeypatch.setattr(module.cv2, 'VideoCapture', lambda *source: Slow())
    first, second = frames(path, every=40)
    assert first.error is second.error is None
    assert second.time == pytest.approx(40 / 15)


def test_a_video_without_frames(tmp_path, monkeypatch):
    class Empty:
        def isOpened(self):  # noqa: N802
            return True

        def get(self, what):
            return 0.0

        def grab(self):
            return False

        def release(self):
            pass

    path = write_video(tmp_path / 'v.mp4')
    monkeypatch.setattr(module.cv2, 'VideoCapture', lambda *source: Empty())
    assert errors(path) == [f'{path} is a video without frames']


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


def test_a_camera(tmp_path, monkeypatch):
    """A file stands for the camera: OpenCV reads both by the same object."""
    path = write_video(tmp_path / 'v.avi', count=4)
    opened = []
    capture = cv2.VideoCapture

    def open_camera(number):
        opened.append(number)
        return capture(str(path))

    monkeypatch.setattr(module.cv2, 'VideoCapture', open_camera)
    found = list(frames(2))
    assert opened == [2]
    assert [frame.source for frame in found] == ['camera 2'] * 4
    assert [frame.index for frame in found] == [0, 1, 2, 3]
