"""Tables, pictures and videos of results."""

import csv
import json
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from video_case import sound_of, write_video

from mmqcs.apis import drawing
from mmqcs.apis.drawing import draw_faces
from mmqcs.apis.results import FaceExpression, ImageResult
from mmqcs.apis.writers import PICTURE_SIDE, VIDEO_SIDE, ResultWriter
from mmqcs.faces import ARCFACE, Face
from mmqcs.media import sound

CLASSES = ('Joy', 'Größe 2')


def result(source='a.png', count=1, size=(90, 70), points=True, **options):
    faces = []
    for i in range(count):
        box = np.array([5.0 + 30 * i, 20, 30 + 30 * i, 45])
        marks = ARCFACE * 25 + box[:2] if points else None
        face = Face(box, 0.75, marks)
        scores = np.array([0.25, 0.75], np.float32)
        faces.append(FaceExpression(face, 1, CLASSES[1], scores))
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    return ImageResult(source, CLASSES, tuple(faces), size, image=image, **options)


def read(folder):
    lines = (folder / 'results.jsonl').read_text(encoding='utf-8').splitlines()
    with (folder / 'results.csv').open(encoding='utf-8', newline='') as file:
        return [json.loads(line) for line in lines], list(csv.DictReader(file))


def test_tables(tmp_path):
    bad = ImageResult('bad.png', CLASSES, error='bad.png is empty, or "worse"')
    turned = ImageResult('c.png', CLASSES, note='no upright face')
    given = result(count=2), result('b.png', 0), bad, turned, result(points=False)
    with ResultWriter(tmp_path, CLASSES) as writer:
        for item in given:
            writer.write(item)
            lines, _ = read(tmp_path)  # written at once
            assert lines[-1]['source'] == item.source
    lines, rows = read(tmp_path)
    assert [len(line['faces']) for line in lines] == [2, 0, 0, 0, 1]
    assert [row['face'] for row in rows] == ['0', '1', '', '', '', '0']
    notes = ['', '', 'no face', bad.error, turned.note, '']
    assert [row['note'] for row in rows] == notes
    assert lines[3]['note'] == turned.note
    first = rows[0]
    assert [first[key] for key in ('left', 'top', 'right', 'bottom')] == [
        *('5.0', '20.0', '30.0', '45.0')
    ]
    assert first['name'] == 'Größe 2'
    assert (first['score_Joy'], first['score_Größe 2']) == ('0.25', '0.75')
    assert float(first['nose_x']) == pytest.approx(5 + 25 * ARCFACE[2, 0], abs=0.05)
    assert rows[-1]['nose_x'] == ''
    assert lines[0]['faces'][0]['points'][2][0] == float(first['nose_x'])


def test_pictures_keep_their_names(tmp_path):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for source in ('x/a.png', 'y/a.png', 'z/b c.jpg', 'array 3', 'd.gif'):
            writer.write(result(source))
    names = sorted(path.name for path in (tmp_path / 'pictures').iterdir())
    assert names == ['a-2.png', 'a.png', 'array_3.png', 'b_c.jpg', 'd.png']


def test_no_pictures(tmp_path):
    with ResultWriter(tmp_path, CLASSES, pictures=False) as writer:
        writer.write(result())
    assert not (tmp_path / 'pictures').exists()


def frames_of(path):
    with av.open(str(path)) as file:
        found = list(file.decode(video=0))
    return [(frame.width, frame.height) for frame in found], [x.time for x in found]


def test_videos(tmp_path):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for source, times in (('camera 0', (0, 0.2, 1.5)), ('other.mp4', (0, 0.2))):
            for index, time in enumerate(times):
                writer.write(result(source, index=index, time=time, rate=5))
    for name, times in (('camera_0', (0, 0.2, 1.5)), ('other', (0, 0.2))):
        sizes, found = frames_of(tmp_path / f'pictures/{name}.mp4')
        assert set(sizes) == {(90, 70)}
        assert found == pytest.approx(times)
    assert writer.notes == []


def test_the_same_video_twice(tmp_path):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for index in (0, 1, 2, 0, 1):
            writer.write(result('v.mp4', index=index, time=index / 25))
    for name, count in (('v', 3), ('v-2', 2)):
        assert len(frames_of(tmp_path / f'pictures/{name}.mp4')[1]) == count
    assert len(json.loads((tmp_path / 'summary.json').read_text())) == 2


@pytest.mark.parametrize('complete', [True, False])
def test_sound(tmp_path, complete):
    source = write_video(tmp_path / 'v.mp4', 5, rate=5, sounds=['aac'], seconds=4)
    writer = ResultWriter(tmp_path / 'out', CLASSES)
    for index in range(5):
        writer.write(result(str(source), index=index, time=index / 5))
    writer.close(complete)
    samples, _ = sound_of(tmp_path / 'out/pictures/v.mp4')
    assert len(samples) / 48_000 == pytest.approx(4 if complete else 1, abs=0.1)


def test_sound_that_is_missing_is_told(tmp_path, monkeypatch):
    source = write_video(tmp_path / 'v.mp4', 5, sounds=['aac'])

    def fail(*_):
        raise ValueError('a reason')

    monkeypatch.setattr(sound, '_Track', fail)
    with ResultWriter(tmp_path / 'out', CLASSES) as writer:
        writer.write(result(str(source), index=0, time=0.0))
    assert writer.notes == ['pictures/v.mp4: sound track 1 was left out: a reason']


def test_tracks(tmp_path):
    face = result().faces[0]
    faces = (replace(face, track=12),)
    item = replace(result('v.mp4', index=0, time=0.0), faces=faces)
    with ResultWriter(tmp_path, CLASSES) as writer:
        writer.write(item)
        writer.write(result('a.png'))
    (first, second), (row, other) = read(tmp_path)
    assert (first['faces'][0]['track'], second['faces'][0]['track']) == (12, None)
    assert (row['track'], other['track']) == ('12', '')
    text = []
    label = drawing._label
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, '_label', lambda *x: text.append(x[0]) or label(*x))
        draw_faces(item.image, item)
        draw_faces(item.image, result())
    assert text == ['12 Größe 2 75 %', 'Größe 2 75 %']


def test_nothing_is_overwritten(tmp_path):
    ResultWriter(tmp_path, CLASSES).close()
    with pytest.raises(FileExistsError):
        ResultWriter(tmp_path, CLASSES)


def test_drawing():
    item = result(count=2)
    before = item.image.copy()
    drawn = draw_faces(item.image, item)
    np.testing.assert_array_equal(item.image, before)
    assert drawn.shape == before.shape
    colour = drawing._COLOURS[1][::-1]
    for face in item.faces:
        left, top, right, bottom = map(int, face.face.box)
        for x in (left, right - 1):
            assert (drawn[top + 5 : bottom - 5, x] == colour).all()
        assert (drawn[bottom - 1, left:right] == colour).all()
    # the name stands above the box, below it nothing changes
    assert (drawn[:19] != before[:19]).any()
    assert (drawn[46:] == before[46:]).all()


def test_the_largest_face_is_on_top():
    image = np.zeros((90, 90, 3), np.uint8)
    large, small = (
        FaceExpression(
            Face(np.array([10.0, 30, 10 + side, 30 + side]), 1.0), label, 'x', scores
        )
        for side, label, scores in ((50, 0, np.eye(2)[0]), (40, 1, np.eye(2)[1]))
    )
    drawn = draw_faces(image, ImageResult('x', CLASSES, (large, small)))
    assert drawn[60, 10].tolist() == [*drawing._COLOURS[0][::-1]]


def test_a_face_at_the_edge_is_drawn():
    image = np.zeros((40, 40, 3), np.uint8)
    face = Face(np.array([0.0, 0, 40, 40]), 1.0)
    item = FaceExpression(face, 0, 'a very long name', np.array([1.0, 0.0]))
    assert draw_faces(image, ImageResult('x', CLASSES, (item,))).any()


def test_names_that_are_not_text(tmp_path):
    """Each row is one line, JSON gives the name back, and names of copies are safe."""
    source = 'a/x\n\udcff\x1b.png'
    bad = ImageResult('b\n.png', CLASSES, error='b\n.png is empty')
    with ResultWriter(tmp_path, CLASSES) as writer:
        writer.write(result(source))
        writer.write(bad)
    lines, rows = read(tmp_path)
    assert [line['source'] for line in lines] == [source, bad.source]
    assert [row['source'] for row in rows] == [r'a/x\n\udcff\x1b.png', r'b\n.png']
    assert rows[1]['note'] == r'b\n.png is empty'
    assert len((tmp_path / 'results.csv').read_text().splitlines()) == 3
    assert [x.name for x in (tmp_path / 'pictures').iterdir()] == ['x___.png']
    with pytest.raises(OSError, match='folder'):
        ResultWriter(tmp_path / 'x\udcff', CLASSES)


def test_long_names(tmp_path):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for name in (f'{"x" * 251}.gif', f'{"é" * 125}.ts'):
            writer.write(result(name))
            writer.write(result(name))
    names = [path.name for path in (tmp_path / 'pictures').iterdir()]
    assert len(names) == 4
    assert all(name.startswith(('x' * 99, 'é' * 99)) for name in names)


@pytest.mark.parametrize('rate', [1e-5, 0.00333, 29.97, 333.333, 999.9999])
def test_odd_rates_are_written(tmp_path, rate):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for index in range(3):
            item = result('v.mp4', index=index, time=index / rate, rate=rate)
            writer.write(item)
    _, times = frames_of(tmp_path / 'pictures/v.mp4')
    if rate > 1e-4:  # a frame of MP4 lasts up to ten hours
        assert times == pytest.approx([i / rate for i in range(3)], abs=1e-4)
    assert len(times) == 3


@pytest.mark.parametrize('size', [(9000, 40), (40, 9000), (5000, 8), (8, 8)])
def test_large_frames_are_reduced(tmp_path, size):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for index in range(2):
            writer.write(result('v.gif', size=size, index=index, time=index / 25))
    sizes, _ = frames_of(tmp_path / 'pictures/v.mp4')
    assert max(sizes[0]) == min(max(size), VIDEO_SIDE)


def test_images_beyond_the_limit_of_jpeg_are_reduced(tmp_path):
    with ResultWriter(tmp_path, CLASSES) as writer:
        for name in ('a.jpg', 'b.png'):
            writer.write(result(name, size=(66_000, 20)))
    for path in (tmp_path / 'pictures').iterdir():
        assert cv2.imread(str(path)).shape[1] == PICTURE_SIDE
