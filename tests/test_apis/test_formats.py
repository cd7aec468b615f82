"""What people have and what is damaged: decided by content, one error per file."""

import functools
import io
import os
import socket
import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from test_apis.test_frames import write_video

from mmqcs.apis import ImageError, animations, files, read_image, videos
from mmqcs.apis.frames import frames, number_of_frames
from mmqcs.apis.videos import is_video_head

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


@pytest.mark.parametrize('kind', MOVING)
def test_frames_before_the_damage_are_kept(tmp_path, kind):
    content = encoded(kind, 4)
    path = tmp_path / 'a.jpg'
    for part in (0.3, 0.6, 0.9, 0.99):
        path.write_bytes(content[: int(part * len(content))])
        shots, errors = read(path)
        assert len(shots) < 5
        (error,) = errors
        assert str(path) in str(error)
    if kind in ('GIF', 'PNG'):
        assert len(shots) == 3


@pytest.mark.parametrize(
    ('kind', 'count'), [*((x, 1) for x in STILL), *((x, 3) for x in MOVING)]
)
def test_damaged_files_give_one_error(tmp_path, kind, count):
    """Flipped and missing bytes: an image, or one error that names the file."""
    content = encoded(kind, count)
    rng = np.random.default_rng(0)
    path = tmp_path / ('a.tga' if kind == 'TGA' else 'a.jpg')
    wrong = 0
    for trial in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, min(len(content), 40 + 9 * trial), 3):
            damaged[place] = rng.integers(0, 256)
        if trial % 3 == 0:
            damaged = damaged[: rng.integers(1, len(content))]
        path.write_bytes(damaged)
        shots, errors = read(path)
        assert shots or errors
        assert len(errors) < 2
        for error in errors:
            assert isinstance(error, ImageError)
            assert str(path) in str(error)
        wrong += len(errors)
        assert number_of_frames(path) >= 1
    assert wrong > 5


@pytest.mark.parametrize(
    'error',
    [
        *(struct.error('x'), SyntaxError('x'), MemoryError(), OverflowError('x')),
        *(cv2.error('x'), Image.DecompressionBombError('x'), KeyError('x')),
        *(RuntimeError('x'), AssertionError(), RecursionError(), UnicodeError('x')),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_decoder_raises(tmp_path, monkeypatch, error):
    path = tmp_path / 'a.png'
    path.write_bytes(encoded('PNG', 4))

    def fail(image, *_):
        raise error

    monkeypatch.setattr(animations, 'decode', fail)
    _, (found,) = read(path)
    assert isinstance(found, ImageError)
    assert str(path) in str(found)
    monkeypatch.undo()
    monkeypatch.setattr(Image, 'open', fail)
    assert str(path) in str(read(path)[1][0])


def test_special_files(tmp_path):
    pipe, device, plug = (tmp_path / f'{x}.jpg' for x in ('pipe', 'device', 'socket'))
    os.mkfifo(pipe)
    device.symlink_to('/dev/zero')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(plug))
        for path in (pipe, device, plug, '/dev/null'):
            for call in (read_image.read_image, files.open_file):
                with pytest.raises(ImageError, match=f'{path} is not a regular file'):
                    call(path)
            assert str(read(path)[1][0]) == f'{path} is not a regular file'
            assert number_of_frames(path) == 1


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    long = tmp_path / f'{"x" * 300}.jpg'
    assert f'{long} cannot be opened' in str(read(long)[1][0])
    assert "'a\\x00b'" in str(read('a\0b')[1][0])
    (tmp_path / 'link.png').symlink_to('nowhere')
    assert str(read(tmp_path / 'link.png')[1][0]).startswith('no such file')

    def refuse(*args, **options):
        raise PermissionError(13, 'Permission denied')

    path = tmp_path / 'a.png'
    path.write_bytes(encoded('PNG'))
    monkeypatch.setattr('builtins.open', refuse)
    assert str(read(path)[1][0]) == f'{path} cannot be opened: Permission denied'


def test_a_file_of_too_many_bytes(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(encoded('PNG'))
    os.truncate(path, 2**40)  # takes no place on the disk
    (error,) = read(path)[1]
    assert f'{path} is too large: {2**40:,} bytes' in str(error)
    assert f'{files.MAX_BYTES:,}' in str(error)


def test_an_endless_file_object():
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def read(self, size=-1):
            return b'\0' * min(size, 1000)

    (error,) = read(Endless())[1]
    assert isinstance(error, ImageError)


@pytest.mark.parametrize('kind', MOVING)
def test_frames_of_too_many_pixels(tmp_path, monkeypatch, video, kind):
    """Decoders of animations hold several frames at once, those of pages do not."""
    monkeypatch.setattr(animations, 'MAX_FRAME_PIXELS', 1000)
    path = tmp_path / 'a'
    path.write_bytes(encoded(kind, 3))
    shots, errors = read(path)
    if kind == 'TIFF':
        assert (len(shots), errors) == (3, [])
    else:
        assert shots == []
        assert f'{path} is too large: 48 x 40 pixels, at most 1,000' in str(errors[0])
    path.write_bytes(video)
    monkeypatch.setattr(videos, 'MAX_FRAME_PIXELS', 1000)
    shots, (error,) = read(path)
    assert shots == []
    assert f'{path} is too large: 48 x 40 pixels, at most 1,000' in str(error)


def test_ghostscript_is_never_started(tmp_path, monkeypatch):
    """Pillow reads EPS with it; formats that start programs are not tried."""
    started = tmp_path / 'started'
    program = tmp_path / 'gs'
    program.write_text(f'#!/bin/sh\ntouch {started}\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    path = tmp_path / 'a.jpg'
    path.write_text(
        '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n'
    )
    (error,) = read(path)[1]
    assert f'{path} is not an image' in str(error)
    assert not started.exists()


@pytest.mark.parametrize(
    'text',
    [
        '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n',
        "ffconcat version 1.0\nfile '{}'\n",
        'v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 1234 RTP/AVP 96\n',
        '<?xml version="1.0"?><MPD><BaseURL>{}</BaseURL></MPD>',
        'FLV\x01\nc=IN IP4 127.0.0.1\nm=video 1234 RTP/AVP 96\n\0\0\0',
        '#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n\0',
    ],
)
@pytest.mark.parametrize('name', ['a.mp4', 'a.m3u8'])
def test_lists_of_other_files_are_not_followed(
    tmp_path, monkeypatch, video, text, name
):
    other, path = tmp_path / 'other.mp4', tmp_path / name
    other.write_bytes(video)
    path.write_text(text.format(other))
    opened = []
    monkeypatch.setattr(cv2, 'VideoCapture', lambda *place: opened.append(place))
    (error,) = read(path)[1]
    assert f'{path} is not an image or a video' in str(error)
    assert opened == []


def test_video_heads(video):
    assert is_video_head(video)
    assert not is_video_head(b'G' * 4096)
    assert not is_video_head(b'')
    assert not is_video_head(encoded('AVIF'))
    assert not is_video_head(encoded('WEBP'))


def test_heic_without_pillow_heif(tmp_path, monkeypatch):
    content = encoded('HEIF')
    monkeypatch.setattr(read_image, '_knows_heif', lambda: False)
    path = tmp_path / 'a.heic'
    path.write_bytes(content)
    (error,) = read(path)[1]
    assert f'{path} is a HEIC image: install pillow-heif' in str(error)
    assert "pip install 'mmqcs[heic]'" in str(error)
