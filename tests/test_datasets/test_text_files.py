"""Fields, lines and tables of label files, and special files."""

import os

import pytest

from mmqcs.datasets import FERPlus
from mmqcs.datasets.readers import text_files
from mmqcs.datasets.readers.fields import face_box, image_name, integer
from mmqcs.datasets.readers.text_files import (
    LINE_LIMIT,
    open_regular,
    read_lines,
    read_table,
)

pytest_plugins = 'fer_trees'


@pytest.mark.parametrize(
    ('text', 'number'),
    [('3', 3), (' 3\t', 3), ('007', 7), ('3.', 3), ('3.00', 3), ('3.0000000e+00', 3)],
)
def test_whole_numbers(text, number):
    assert integer(text) == number


NO_NUMBERS = ['-5', '+3', '1_0', '3.7', '1e1', '.5', 'nan', 'inf', '0x1', '3.0e']


@pytest.mark.parametrize(
    'text', [*NO_NUMBERS, '1,0', '\uff11', '\u0663', '', '1 0', '3\n', '9' * 30]
)
def test_other_numbers_are_refused(text):
    with pytest.raises(ValueError, match='from 0 to 9'):
        integer(text)


def test_range_of_whole_numbers():
    assert integer('-3', minimum=-3) == -3
    with pytest.raises(ValueError, match="from 1 to 7, got '8'"):
        integer('8', 7, 1)


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('a.jpg', 'a.jpg'),
        (' 1\\b b.JPG ', '1/b b.JPG'),
        ('./a//b.jpg', 'a/b.jpg'),
        ('ä\u3000.jpg', 'ä\u3000.jpg'),
        ('a..jpg', 'a..jpg'),
    ],
)
def test_image_names(text, name):
    assert image_name(text) == name


@pytest.mark.parametrize(
    'text',
    [
        '',
        '/a',
        '\\a',
        '../a',
        'a/../../b',
        'a\\..',
        'C:\\a',
        'a/',
        '.',
        'a\x1b',
        'a\x85',
    ],
)
def test_names_outside_of_the_root_are_refused(text):
    with pytest.raises(ValueError, match='below the data root'):
        image_name(text)


def test_face_boxes():
    assert face_box(['-3', '2.0', '5', '4']) == (-3, 2, 5, 4)
    for empty in (['NULL'] * 4, [''] * 4, ['nan', ' NaN', 'null', '']):
        assert face_box(empty) is None


@pytest.mark.parametrize(
    'text', ['1,1,-5,5', '1,1,0,5', '1,1,inf,5', '1,1,5,nan', '1,1.5,5,5', 'NULL,1,5,5']
)
def test_other_face_boxes_are_refused(text):
    with pytest.raises(ValueError, match='expected a whole number from'):
        face_box(text.split(','))


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
def test_lines(tmp_path, encoding, end):
    path = tmp_path / 'list.txt'
    path.write_bytes(end.join(['ä', '', ' \t', 'b c ', 'd']).encode(encoding))
    assert list(read_lines(path)) == [(1, 'ä'), (4, 'b c '), (5, 'd')]


@pytest.mark.parametrize(
    'line',
    [b'\xe4.jpg 1', b'a\0.jpg 1', 'ä'.encode('utf-16-le'), b'\xed\xa0\x80'],
    ids=['latin-1', 'nul', 'utf-16 without mark', 'surrogate'],
)
def test_other_encodings_are_errors_with_the_line(tmp_path, line):
    path = tmp_path / 'list.txt'
    path.write_bytes(b'ok\n' * 5000 + line + b'\nok\n')
    with pytest.raises(ValueError, match=r'list.txt line 5001: .*UTF-8'):
        list(read_lines(path))


@pytest.mark.parametrize('encoding', ['utf-32', 'utf-32-le', 'utf-32-be'])
def test_utf32_is_an_error(tmp_path, encoding):
    path = tmp_path / 'list.txt'
    path.write_bytes('\ufeffa.jpg 1\n'.encode(encoding))
    with pytest.raises(ValueError, match=r'list.txt line 1: .*UTF-8'):
        list(read_lines(path))


@pytest.mark.parametrize('end', [b'\0', b'\x00\xd8\n\0'], ids=['half', 'surrogate'])
def test_broken_utf16_is_an_error_with_the_line(tmp_path, end):
    path = tmp_path / 'list.txt'
    path.write_bytes('a 1\nb 1\n'.encode('utf-16') + end)
    with pytest.raises(ValueError, match=r'list.txt line 3: .*UTF-8'):
        list(read_lines(path))


def test_lines_without_end(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text(f'{"x" * (LINE_LIMIT - 1)}\n{"y" * LINE_LIMIT}')
    lines = read_lines(path)
    assert len(next(lines)[1]) == LINE_LIMIT - 1
    with pytest.raises(ValueError, match='list.txt line 2: longer than 131,072'):
        next(lines)


def test_a_sparse_file_of_gigabytes_is_refused_at_once(tmp_path, monkeypatch):
    path = tmp_path / 'list.txt'
    with path.open('wb') as file:
        file.truncate(text_files.LIST_LIMIT + 1)
    with pytest.raises(ValueError, match='list.txt has 4,294,967,297 bytes'):
        next(read_lines(path))


def test_table(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('a,b\n\n"x, ""y""", 1\n')
    assert list(read_table(path)) == [(1, ['a', 'b']), (3, ['x, "y"', ' 1'])]


@pytest.mark.parametrize('row', ['1,"2', '"1"2,3', '"1,2\n3",4'])
def test_a_quote_does_not_take_the_next_line(tmp_path, row):
    path = tmp_path / 'a.csv'
    path.write_text(f'a,b\n{row}\n5,"6"\n')
    with pytest.raises(ValueError, match='a.csv line 2: wrong quotes'):
        list(read_table(path))


@pytest.fixture(params=['pipe', 'device', 'folder'])
def special(request, tmp_path):
    """Makes a path that is not a regular file."""

    def make(path):
        if path.exists():
            path.unlink()
        if request.param == 'pipe':
            os.mkfifo(path)
        elif request.param == 'device':
            path.symlink_to('/dev/zero')
        else:
            path.mkdir()
        return path

    return make


def test_special_files_are_refused(tmp_path, special):
    path = special(tmp_path / 'a.csv')
    with pytest.raises(ValueError, match='a.csv is not a regular file'):
        open_regular(path, 10)


@pytest.mark.parametrize('cache_mib', [0, 1])
def test_special_files_as_list_and_image(tmp_path, put, special, cache_mib):
    put(tmp_path, 'ferplus_training.txt', text='a.png 1')
    put(tmp_path, 'a.png')
    pipeline = [dict(type='LoadImageFromFile')]
    dataset = FERPlus(str(tmp_path), pipeline=pipeline)
    assert dataset[0]['img'].shape == (8, 10, 3)
    dataset = FERPlus(str(tmp_path), pipeline=pipeline, cache_mib=cache_mib)
    special(tmp_path / 'a.png')
    with pytest.raises(RuntimeError, match=r'a.png, cannot be used: .*not a regular'):
        dataset[0]
    special(tmp_path / 'ferplus_training.txt')
    with pytest.raises(ValueError, match='training.txt is not a regular file'):
        FERPlus(str(tmp_path))


def test_an_image_of_an_absurd_size(tmp_path):
    path = tmp_path / 'a.png'
    with path.open('wb') as file:
        file.truncate(2**28 + 1)
    with pytest.raises(ValueError, match='a.png has 268,435,457 bytes'):
        text_files.check_image_file(str(path))
