"""Copies that were encoded again or mirrored are found, other faces are not."""

import functools

import cv2
import numpy as np
import pytest

from mmqcs.datasets.checks import find_copies, thumbnail
from mmqcs.synth import CLASSES, SynthFERSettings, render

SETTINGS = SynthFERSettings(num_classes=8)
COUNT = 12


@functools.cache
def faces(split='train', size=100):
    images = [render(SETTINGS, split, i) for i in range(COUNT)]
    return [
        cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        for image in images
    ]


def encode(image, suffix, *options):
    code = cv2.imencode(suffix, np.ascontiguousarray(image), options)[1]
    return cv2.imdecode(code, cv2.IMREAD_COLOR)


def jpeg(quality):
    return lambda image: encode(image, '.jpg', cv2.IMWRITE_JPEG_QUALITY, quality)


def thumbnails(images):
    return np.stack([thumbnail(image) for image in images])


CHANGES = {
    'quality 95': jpeg(95),
    'quality 50': jpeg(50),
    'quality 30': jpeg(30),
    'png': lambda image: encode(image, '.png'),
    'webp': lambda image: encode(image, '.webp', cv2.IMWRITE_WEBP_QUALITY, 60),
    'grey': lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None].repeat(
        3, axis=2
    ),
    'larger': lambda image: jpeg(90)(cv2.resize(image, (224, 224))),
}


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize(
    ('change', 'size'),
    [(change, 100) for change in CHANGES]
    + [(change, 48) for change in CHANGES if change not in ('quality 30', 'larger')],
)
def test_each_copy_is_found_with_its_original(change, mirrored, size):
    images = faces(size=size)
    order = np.random.default_rng(0).permutation(COUNT)
    copies = [CHANGES[change](images[i]) for i in order]
    if mirrored:
        copies = [np.flip(image, 1) for image in copies]
    found = find_copies(
        thumbnails(np.ascontiguousarray(copy) for copy in copies), thumbnails(images)
    )
    assert found == [(i, j, mirrored) for i, j in enumerate(order)]


def test_other_faces_are_no_copies():
    assert find_copies(thumbnails(faces('test')), thumbnails(faces('train'))) == []


def test_other_expressions_of_one_face_are_no_copies():
    images = [
        [render(SETTINGS, 'train', i, label) for label in range(len(CLASSES))]
        for i in range(COUNT)
    ]
    for same in images:
        for label, image in enumerate(same):
            others = same[:label] + same[label + 1 :]
            assert find_copies(thumbnails([image]), thumbnails(others)) == []


def test_images_of_one_colour_are_not_compared():
    plain = np.full((3, 32, 32), 7, np.uint8)
    assert find_copies(plain, plain) == []


def test_noise_on_a_plain_image_is_no_content():
    rng = np.random.default_rng(0)
    noise = rng.integers(100, 108, (4, 32, 32), dtype=np.uint8)
    assert find_copies(noise[:2], noise[2:]) == []


def test_nothing_to_compare():
    none, one = np.array([]), thumbnails(faces()[:1])
    assert find_copies(none, one) == find_copies(one, none) == []


def test_more_queries_than_are_compared_at_a_time():
    images = thumbnails(faces())
    many = np.concatenate([255 - images] * 12 + [images])
    assert find_copies(many, images) == [
        (12 * COUNT + i, i, False) for i in range(COUNT)
    ]
