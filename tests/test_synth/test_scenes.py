"""Scenes: what is labelled is what is drawn, and nothing overlaps."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest

from mmqcs.synth import SynthFERSettings, face_box, render
from mmqcs.synth.scene_files import coco_annotations, voc_annotation
from mmqcs.synth.scenes import SceneSettings, render_scene, scene_faces

SETTINGS = SceneSettings(SynthFERSettings(difficulty=0), image_size=200, max_faces=5)
SCENES = [scene_faces(SETTINGS, 'train', i) for i in range(40)]


def test_a_scene_depends_on_its_number_alone():
    first = render_scene(SETTINGS, 'train', 3)
    render_scene(SETTINGS, 'test', 3)
    assert first.shape == (200, 200, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, render_scene(SETTINGS, 'train', 3))
    assert not np.array_equal(first, render_scene(SETTINGS, 'train', 4))
    assert not np.array_equal(first, render_scene(SETTINGS, 'test', 3))


def test_face_images_lie_in_the_scene_without_overlap():
    covered = np.zeros((200, 200), int)
    for faces in SCENES:
        covered[:] = 0
        for face in faces:
            left, top, side = face.place
            assert min(left, top) >= 0
            assert max(left, top) + side <= 200
            assert 64 <= side <= 128
            covered[top : top + side, left : left + side] += 1
        assert covered.max() == 1


def test_a_box_is_where_its_face_is():
    for face in itertools.chain.from_iterable(SCENES):
        left, top, side = face.place
        size = SynthFERSettings(difficulty=0, image_size=side)
        corners = face_box(size, 'train', face.number, face.label)
        assert face.box == pytest.approx(corners + np.tile((left, top), 2))
        width, height = face.box[2:] - face.box[:2]
        assert 0.4 * side < width < height < side


def test_numbers_of_faces_and_sizes_vary():
    assert {len(faces) for faces in SCENES} >= {1, 2, 3}
    sides = [face.place[2] for faces in SCENES for face in faces]
    assert min(sides) < 70
    assert max(sides) > 120


def test_no_face_is_drawn_twice():
    numbers = [face.number for face in itertools.chain.from_iterable(SCENES)]
    assert len(set(numbers)) == len(numbers)


def test_every_class_is_there():
    labels = [face.label for faces in SCENES for face in faces]
    assert set(labels) == set(range(7))


def test_the_middle_of_a_face_is_its_image():
    for i, faces in enumerate(SCENES[:5]):
        scene = render_scene(SETTINGS, 'train', i)
        for face in faces:
            left, top, side = face.place
            size = SynthFERSettings(difficulty=0, image_size=side)
            picture = render(size, 'train', face.number, face.label)
            edge = side // 8
            inner = slice(edge, side - edge)
            part = scene[top : top + side, left : left + side]
            assert np.array_equal(part[inner, inner], picture[inner, inner])


@pytest.mark.parametrize('difficulty', [0, 1])
def test_a_box_holds_what_an_expression_changes(difficulty):
    settings = SynthFERSettings(difficulty=difficulty, image_size=100)
    for i in range(12):
        left, top, right, bottom = face_box(settings, 'test', i)
        assert 0 <= left < right <= 100
        assert 0 <= top < bottom <= 100
        pictures = [render(settings, 'test', i, label) for label in (3, 4)]
        changed = np.abs(np.subtract(*pictures, dtype=int)).max(axis=-1) > 60
        rows, columns = np.nonzero(changed)
        slack = 8  # blur, and the shadow under the chin
        assert columns.min() >= left - slack
        assert columns.max() <= right + slack
        assert rows.min() >= top - slack
        assert rows.max() <= bottom + slack


def test_coco_annotations():
    names = [f'{i}.png' for i in range(len(SCENES))]
    classes = SETTINGS.faces.classes
    content = coco_annotations(SCENES, names, 200, classes)
    assert [image['file_name'] for image in content['images']] == names
    assert [category['name'] for category in content['categories']] == list(classes)
    found = iter(content['annotations'])
    for image, faces in zip(content['images'], SCENES, strict=True):
        for face in faces:
            annotation = next(found)
            assert annotation['image_id'] == image['id']
            assert annotation['category_id'] == face.label + 1
            left, top, width, height = annotation['bbox']
            corners = (left, top, left + width, top + height)
            assert corners == pytest.approx(face.box, abs=0.02)
            assert annotation['area'] == pytest.approx(width * height, abs=0.01)
    assert next(found, None) is None


def test_voc_annotation():
    root = ElementTree.fromstring(voc_annotation(SCENES[0], 'images', '1.jpg', 200))
    assert root.findtext('folder') == 'images'
    assert root.findtext('size/width') == '200'
    boxes = [[int(x.text) for x in box] for box in root.iter('bndbox')]
    assert boxes == [[round(x) for x in face.box] for face in SCENES[0]]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(min_size=31), 'min_size must be at least 32'),
        (dict(max_size=60), 'max_size must be from min_size'),
        (dict(max_size=300), r'\(64 to 192\), got 300'),
        (dict(max_faces=0), 'max_faces must be at least 1'),
    ],
)
def test_wrong_settings(options, message):
    with pytest.raises(ValueError, match=message):
        SceneSettings(**options)


def test_wrong_scene():
    with pytest.raises(ValueError, match="split must be 'train' or 'test'"):
        scene_faces(SETTINGS, 'val', 0)
    with pytest.raises(ValueError, match='index must be >= 0'):
        scene_faces(SETTINGS, 'train', -1)
