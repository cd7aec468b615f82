"""Damaged, hostile and special files: one error that names the file, and no harm."""

import io
import os
import socket
import struct

import cv2
import numpy as np
import pytest
from PIL import Image
from test_media.test_formats import MOVING, STILL, encoded, read
from video_case import write_video

from mmqcs.apis import ImageError
from mmqcs.media import files, read_image, videos
from mmqcs.media import frames as module
from mmqcs.media.frames import number_of_frames
from mmqcs.media.videos import is_video_head, video_info


@pytest.fixture(scope='module')
def video(tmp_path_factory) -> bytes:
    return write_video(
        tmp_path_factory.mktemp('v') / 'v.mp4', size=(48, 40)
    ).read_bytes()


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

    monkeypatch.setattr(module, 'decode', fail)
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
    monkeypatch.setattr(module, 'MAX_FRAME_PIXELS', 1000)
    path = tmp_path / 'a'
    path.write_bytes(encoded(kind, 3))
    shots, errors = read(path)
    if kind == 'TIFF':
        assert (len(shots), errors) == (3, [])
    else:
        assert shots == []
        assert f'{path} is too large: 48 x 40 pixels, the maximum is 1,000' in str(
            errors[0]
        )
    path.write_bytes(video)
    monkeypatch.setattr(videos, 'MAX_FRAME_PIXELS', 1000)
    shots, (error,) = read(path)
    assert shots == []
    assert f'{path} is too large: 48 x 40 pixels, the maximum is 1,000' in str(error)


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
        '#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n\0',
        'FLV\x01\nc=IN IP4 127.0.0.1\nm=video 1234 RTP/AVP 96\n\0\0\0',
        'FLV\x01\n#EXTM3U\n#EXTINF:9,\n{}\n\0',
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
    open_ = open

    def record(place, *args, **options):
        opened.append(str(place))
        return open_(place, *args, **options)

    monkeypatch.setattr('builtins.open', record)
    (error,) = read(path)[1]
    assert str(path) in str(error)
    assert set(opened) == {str(path)}


def test_a_container_cannot_name_other_files(tmp_path, monkeypatch, video):
    """FFmpeg asks to open what a list contains, if it may recognise one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'other.mp4').write_bytes(video)
    path = tmp_path / 'a.mp4'
    path.write_text("ffconcat version 1.0\nfile 'other.mp4'\n")
    with pytest.raises(ImageError, match=r'a\.mp4 cannot be opened'):
        video_info(path)
    monkeypatch.setitem(videos._OPTIONS, 'format_whitelist', 'concat,mov')
    with pytest.raises(ImageError, match=r'a\.mp4 cannot be opened'):
        video_info(path)
    monkeypatch.setitem(videos._OPTIONS, 'protocol_whitelist', 'file')
    assert video_info(path).rate == 5  # so both are needed


def test_frames_that_are_larger_than_the_file_says(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'v.avi', size=(480, 400))
    content = path.read_bytes()
    for place in range(len(content) - 8):  # in all headers of the container
        if content[place : place + 8] == struct.pack('<II', 480, 400):
            content = (
                content[:place] + struct.pack('<II', 48, 40) + content[place + 8 :]
            )
    path.write_bytes(content)
    monkeypatch.setitem(videos._OPTIONS, 'max_pixels', '10000')
    shots, (error,) = read(path)
    assert shots == []
    assert f'{path} is' in str(error)


def test_video_heads(video):
    assert is_video_head(video)
    assert not is_video_head(b'G' * 4096)
    assert not is_video_head(b'')
    assert not is_video_head(encoded('AVIF'))
    assert not is_video_head(encoded('WEBP'))


def test_text_of_a_video_that_is_not_utf_8(tmp_path):
    """Some programs write titles in another encoding."""
    path = write_video(tmp_path / 'v.mp4')
    data = path.read_bytes()
    assert b'Lavf' in data
    path.write_bytes(data.replace(b'Lavf', b'\xff\xfeva'))
    assert video_info(path).count == 7
