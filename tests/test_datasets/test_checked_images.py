"""Images that are in two splits."""

import numpy as np

from mmqcs.datasets.checks import CheckedImage, split_overlap


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
