"""Folders, wildcards and objects as lists of inputs."""

import io
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from mmqcs.media.frames import Frame
from mmqcs.media.inputs import describe_left_out, expand


def write_image(path, kind=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', (16, 16), 'red').save(path, kind)
    return path


def errors(found):
    return [str(item.error) for item in found if isinstance(item, Frame)]


def test_a_folder(tmp_path):
    """Images and videos by name or content, in order; others are counted."""
    for name in ('b.png', 'a.JPG', 'sub/c.mp4', 'sub/notes.txt', 'x.csv', 'y.csv'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('text')
    for name in ('plain', 'sub/photo.dat'):
        write_image(tmp_path / name, 'JPEG')
    (tmp_path / '._a.JPG').write_bytes(b'\0\5\x16\7')
    (tmp_path / 'README').write_text('Python reads this')
    (tmp_path / 'link').symlink_to(tmp_path / 'sub')
    left_out = Counter()
    expected = ['a.JPG', 'b.png', 'plain', 'sub/c.mp4', 'sub/photo.dat']
    assert list(expand(tmp_path, left_out)) == [tmp_path / x for x in expected]
    assert describe_left_out(left_out) == [
        'left out: 4 files of unknown format (2 .csv, 1 without an ending, 1 .txt)',
        'left out: files ._* of macOS (1)',
        'left out: links to folders (1)',
    ]


def test_many_endings_are_shortened():
    (line,) = describe_left_out(Counter({f'.{i}': 1 for i in range(1000)}))
    assert line.startswith('left out: 1000 files of unknown format (1 .0, ')
    assert len(line) < 150


def test_a_folder_without_images(tmp_path):
    (error,) = errors(expand(tmp_path))
    assert str(tmp_path) in error
    (tmp_path / 'notes.txt').write_text('text')
    (tmp_path / 'x.jpg').mkdir()  # for example of an archive that was not unpacked
    first, *rest = errors(expand([tmp_path]))
    assert f'{tmp_path / "x.jpg"} is an empty folder' in first
    assert rest == []
    (tmp_path / 'x.jpg').rmdir()
    (error,) = errors(expand(tmp_path))
    assert '1 file of unknown format (1 .txt)' in error


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    """The rest is listed, and the folder is named."""
    write_image(tmp_path / 'a.png')
    (tmp_path / 'closed').mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith('closed'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    first, second = expand(tmp_path)
    assert first == tmp_path / 'a.png'
    assert str(second.error) == (
        f'the folder {tmp_path / "closed"} cannot be read: Permission denied'
    )


def test_wildcards(tmp_path):
    names = [str(write_image(tmp_path / x)) for x in ('a.png', 'b.png', 's/c.png')]
    assert list(expand(f'{tmp_path}/*.png')) == names[:2]
    assert list(expand(tmp_path / '[b]*')) == names[1:2]
    assert list(expand(f'{tmp_path}/**/*.png')) == names
    assert list(expand(f'{tmp_path}/s*')) == [tmp_path / 's/c.png']
    literal = write_image(tmp_path / 'x[1].png')
    assert list(expand(str(literal))) == [str(literal)]
    (error,) = errors(expand(f'{tmp_path}/*.gif'))
    assert f'{tmp_path}/*.gif' in error


@pytest.mark.parametrize(
    'address', ['https://example.org/a.jpg', 'rtsp://10.0.0.1/x', 'file:///etc/hosts']
)
def test_addresses(address):
    (error,) = errors(expand(address))
    assert address in error
    assert 'nothing is downloaded' in error


def test_objects_are_taken():
    array, file = np.zeros((9, 9, 3), np.uint8), io.BytesIO(b'1')
    image = Image.new('RGB', (8, 8))
    given = [array, file, image, 'none.png', b'1', 0]
    assert all(a is b for a, b in zip(expand(given), given, strict=True))
    assert list(expand(x for x in given)) == given
    for item in given:
        assert list(expand(item)) == [item]
    assert list(expand(bytearray(b'1'))) == [b'1']


@pytest.mark.parametrize('given', [1.5, None, True, [1.5], [None], [['a.png']]])
def test_other_types(given):
    with pytest.raises(TypeError, match='path.*bytes.*Pillow.*array.*camera.*got '):
        list(expand(given))


def test_inputs_are_listed_as_they_are_needed():
    """A generator of arrays is never held as a whole."""
    given = []

    def images():
        for _ in range(9):
            given.append(1)
            yield np.zeros((9, 9, 3), np.uint8)

    next(expand(images()))
    assert len(given) == 1
