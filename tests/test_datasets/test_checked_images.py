"""Images that cannot be read, and images that are in two splits."""

import hashlib

import cv2
import numpy as np
import pytest

from mmqcs.datasets.checks import (
    CheckedImage,
    _check_image,
    check_images,
    count_problems,
    split_overlap,
)


@pytest.fixture
def files(tmp_path):
    """A good image, an empty file, a text and a file that does not exist."""
    image = np.full((6, 8, 3), 50, np.uint8)
    cv2.imwrite(str(tmp_path / 'good.png'), image)
    (tmp_path / 'empty.png').write_bytes(b'')
    (tmp_path / 'text.png').write_text('no image')
    return [str(tmp_path / f'{x}.png') for x in ('good', 'empty', 'text', 'missing')]


@pytest.mark.parametrize('parallel', [True, False])
def test_each_file_is_read_once_and_in_order(files, parallel):
    checked = check_images(files, 2) if parallel else map(_check_image, files)
    good, empty, text, missing = checked
    assert [x.path for x in (good, empty, text, missing)] == files
    assert good.size == (6, 8)
    assert not good.error
    assert (good.thumbnail == 50).all()
    with open(files[0], 'rb') as file:
        assert good.digest == hashlib.sha256(file.read()).digest()
    assert (empty.error, text.error) == ('the file is empty', 'not an image')
    assert missing.error == 'missing'
    assert empty.size is text.size is missing.size is None


def test_problems_are_counted_and_named(files):
    checked = [_check_image(path) for path in files]
    assert count_problems('train', checked[:1]) == []
    title, *examples = count_problems('train', checked)
    assert title == 'train: 3 images cannot be read, 1 of them are missing'
    assert len(examples) == 3
    assert examples[-1] == f'  {files[3]}: missing'


def images(*pairs):
    """Images of these paths and contents."""
    return [
        CheckedImage(path, (8, 8), content.encode(), '', np.zeros((32, 32)))
        for path, content in pairs
    ]


def test_identical_files():
    val, test = images(('a.jpg', 'x')), images(('b.jpg', 'x'), ('c.jpg', 'y'))
    (title, line) = split_overlap('val', 'test', val, test)
    assert title == 'test: 1 images are in val as well'
    assert line == '  b.jpg is a.jpg'


def test_a_file_may_serve_as_validation_and_test_image_but_not_in_training():
    same = images(('a.jpg', 'x'))
    assert split_overlap('val', 'test', same, same) == []
    found = split_overlap('train', 'test', same, same)
    assert found == ['test: 1 images are in train as well', '  a.jpg is a.jpg']


def test_many_copies_are_counted():
    many = images(*((f'{i}.jpg', str(i)) for i in range(25)))
    found = split_overlap('train', 'val', many, many)
    assert found[0] == 'val: 25 images are in train as well'
    assert len(found) == 22
    assert found[-1] == '  and 5 more'


def test_unreadable_images_are_not_compared():
    bad = [CheckedImage('a.jpg', error='missing')]
    assert split_overlap('train', 'val', bad, bad) == []
