"""Images and videos of the formats that people have, decided by their content."""

import functools
import io
import os
import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from video_case import write_video

from mmqcs.media import read_image
from mmqcs.media.frames import frames, number_of_frames

SHOT = cv2.resize(
    np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), (48, 40)
)
STILL = (
    *('AVIF', 'BMP', 'GIF', 'JPEG', 'JPEG2000', 'MPO', 'PCX', 'PNG', 'PPM', 'QOI'),
    *('SGI', 'TGA', 'TIFF', 'WEBP', 'HEIF', 'ICO', 'PSD', 'SUN'),
)
MOVING = ('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP')


@functools.cache
def encoded(kind: str, count: int = 1) -> bytes:
    """A file of this format with some frames."""
    height, width = SHOT.shape[:2]
    if kind == 'SUN':  # which Pillow does not write, nor the next one
        head = struct.pack('>8I', 0x59A66A95, width, height, 24, SHOT.size, 1, 0, 0)
        return head + SHOT[..., ::-1].tobytes()
    if kind == 'PSD':
        head = struct.pack('>4sH6xHIIHH', b'8BPS', 1, 3, height, width, 8, 3)
        return (
            head + struct.pack('>3IH', 0, 0, 0, 0) + SHOT.transpose(2, 0, 1).tobytes()
        )
    if kind == 'HEIF':
        pytest.importorskip('pillow_heif').register_heif_opener()
    shots = [Image.fromarray(np.roll(SHOT, 5 * i, 1)) for i in range(count)]
    more = {'save_all': True, 'append_images': shots[1:]} if count > 1 else {}
    file = io.BytesIO()
    if kind == 'ICO':
        more = {'sizes': [shots[0].size]}
    shots[0].save(file, kind, **more)
    return file.getvalue()


@pytest.fixture(scope='module')
def video(tmp_path_factory) -> bytes:
    return write_video(
        tmp_path_factory.mktemp('v') / 'v.mp4', size=(48, 40)
    ).read_bytes()


def read(path):
    """The images of a file, and the errors."""
    found = list(frames(path))
    shots = [frame.image for frame in found if frame.error is None]
    return shots, [frame.error for frame in found if frame.error is not None]


@pytest.mark.parametrize('kind', STILL)
def test_formats_by_content(tmp_path, kind):
    """The name does not matter, but for TGA, which has no signature."""
    for name in ('a.tga',) if kind == 'TGA' else ('a.mp4', 'a', 'a.txt'):
        path = tmp_path / name
        path.write_bytes(encoded(kind))
        assert number_of_frames(path) == 1
        (shot,), errors = read(path)
        assert errors == []
        assert np.abs(shot[..., ::-1].astype(int) - SHOT).mean() < 30
    if kind != 'TGA':
        (shot,), errors = read(encoded(kind))
        assert errors == []


@pytest.mark.parametrize(
    ('suffix', 'code'),
    [
        ('.mp4', 'mp4v'),
        ('.mov', 'MJPG'),
        ('.avi', 'MJPG'),
        ('.mkv', 'MJPG'),
        ('.webm', 'VP80'),
        ('.3gp', 'mp4v'),
        ('.flv', 'FLV1'),
        ('.wmv', 'WMV2'),
        ('.mpg', 'mpg1'),
        ('.vob', 'mpg2'),
        ('.ts', 'mpg2'),
        ('.m2ts', 'mpg2'),
        ('.m2v', 'mpg2'),
    ],
)
def test_videos_by_content(tmp_path, suffix, code):
    path = tmp_path / f'v{suffix}'
    code = cv2.VideoWriter.fourcc(*code)
    writer = cv2.VideoWriter(str(path), code, 25, (64, 48))
    if not writer.isOpened():
        pytest.skip(f'this OpenCV does not write {suffix}')
    for i in range(30):
        writer.write(np.full((48, 64, 3), 8 * i, np.uint8))
    writer.release()
    for name in ('photo.jpg', 'video'):
        shots, errors = read(path.rename(tmp_path / name))
        (tmp_path / name).rename(path)
        assert errors == []
        assert len(shots) >= 29
        assert shots[20].mean() == pytest.approx(160, abs=16)


@pytest.mark.parametrize('name', ['a\udcff.mp4', 'a%03d.jpg', 'a\n.mp4', 'http:a.mp4'])
def test_names_mean_nothing_else_to_ffmpeg(tmp_path, monkeypatch, video, name):
    """OpenCV crashes on names that are not UTF-8; some mean addresses or sequences."""
    monkeypatch.chdir(tmp_path)
    try:
        with open(name, 'wb') as file:
            file.write(video)
    except OSError:
        pytest.skip('the file system takes no such name')
    shots, errors = read(name)
    assert (len(shots), errors) == (7, [])


@pytest.mark.parametrize('kind', MOVING)
@pytest.mark.parametrize('as_bytes', [False, True])
def test_all_frames_are_read(tmp_path, kind, as_bytes):
    path = tmp_path / 'a'
    path.write_bytes(encoded(kind, 4))
    assert number_of_frames(path) == 4
    shots, errors = read(encoded(kind, 4) if as_bytes else path)
    assert errors == []
    for i, shot in enumerate(shots):
        expected = np.roll(SHOT, 5 * i, 1)
        assert np.abs(shot[..., ::-1].astype(int) - expected).mean() < 30
    assert len(shots) == 4
    with Image.open(io.BytesIO(encoded(kind, 4))) as image:
        assert len(read(image)[0]) == 4


def test_of_a_photograph_with_previews_the_first():
    """MPO, as telephones and stereo cameras write it."""
    (shot,), errors = read(encoded('MPO', 3))
    assert errors == []
    assert np.abs(shot[..., ::-1].astype(int) - SHOT).mean() < 30


def test_objects():
    content = encoded('PNG')
    for given in (content, io.BytesIO(content), Image.open(io.BytesIO(content))):
        (shot,), errors = read(given)
        assert errors == []
        np.testing.assert_array_equal(shot[..., ::-1], SHOT)
    file = io.BytesIO(content)
    file.seek(0, os.SEEK_END)  # as after writing
    assert len(read(file)[0]) == 1
    assert not file.closed
    image = Image.fromarray(SHOT)
    image.getexif()[0x0112] = 3
    (shot,), _ = read(image)
    np.testing.assert_array_equal(shot[..., ::-1], SHOT[::-1, ::-1])
    (shot,), _ = read(Image.fromarray(SHOT[..., 0]))
    np.testing.assert_array_equal(shot, SHOT[..., :1].repeat(3, 2))


def test_objects_that_cannot_be_read(tmp_path, video):
    closed = Image.open(io.BytesIO(encoded('PNG')))
    closed.close()
    given = {
        'bytes': b'text',
        'file': io.StringIO('text'),
        'image': closed,
    }
    for kind, item in given.items():
        (frame,) = frames(item, 3)
        assert f'{kind} 3 ' in str(frame.error)
    (frame,) = frames(video, 1)
    assert 'bytes 1 is a video: give the path' in str(frame.error)


def test_heic_without_pillow_heif(tmp_path, monkeypatch):
    content = encoded('HEIF')
    monkeypatch.setattr(read_image, '_knows_heif', lambda: False)
    path = tmp_path / 'a.heic'
    path.write_bytes(content)
    (error,) = read(path)[1]
    assert f'{path} is a HEIC image: install pillow-heif' in str(error)
    assert "pip install 'mmqcs[heic]'" in str(error)
