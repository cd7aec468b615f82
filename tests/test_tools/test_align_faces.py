"""align_faces.py and face_template.py as a user runs them."""

import csv

import cv2
import numpy as np
import pytest
from infer_case import ALIGN, CONFIG, run, write_folder
from mmengine.config import Config
from tool_helpers import ROOT, load_tool

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp('in'))


def test_align_faces(folder, tmp_path):
    out = tmp_path / 'aligned'
    options = ['--suffix', '_aligned', '--workers', 2, '--size', 64]
    done = run(ALIGN, folder, out, *options)
    assert done.returncode == 1  # some have no face
    assert '2 of 5 written' in done.stdout
    for name in ('one_aligned.png', 'sub/two_aligned.png'):
        assert cv2.imread(str(out / name)).shape == (64, 64, 3)
    with (out / 'alignment.csv').open(newline='') as file:
        rows = {row['file']: row for row in csv.DictReader(file)}
    assert rows['nothing.png']['note'] == 'no face, skipped'
    assert 'bad.jpg is not an image' in rows['bad.jpg']['note']
    assert float(rows['one.jpg']['left']) < float(rows['one.jpg']['right'])
    assert rows['one.jpg']['note'] == ''
    again = run(ALIGN, folder, out)
    assert again.returncode == 2
    assert 'exists and is not an empty folder' in again.stderr


def test_training_and_test_faces_are_cut_the_same_way(folder, tmp_path):
    """The converter writes exactly what the inferencer gives the classifier."""
    from mmqcs.apis import FERInferencer

    class Recorder:
        classes = ('a', 'b')

        def __call__(self, faces):
            self.faces = list(faces)
            return np.tile([0.5, 0.5], (len(faces), 1))

    run(ALIGN, folder, tmp_path / 'out', '--template', CONFIG, '--workers', 1)
    template = Config.fromfile(CONFIG).face_template
    recorder = Recorder()
    FERInferencer(recorder, template=template)(folder / 'one.jpg')
    written = cv2.imread(str(tmp_path / 'out/one.png'))
    np.testing.assert_array_equal(written, recorder.faces[0])


def test_a_picture_without_a_face_in_whole(folder, tmp_path):
    out = tmp_path / 'out'
    run(ALIGN, folder, out, '--missing', 'whole', '--workers', 1, '--format', 'jpg')
    assert cv2.imread(str(out / 'nothing.jpg')).shape == (112, 112, 3)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['{none}', '{out}'], 'folder not found'),
        (['{empty}', '{out}'], 'no images in'),
        (['{folder}', '{out}', '--size', 2], '--size must be at least 8'),
        (['{folder}', '{out}', '--template', 'qcs99'], "no model is named 'qcs99'"),
        (['{twice}', '{out}'], 'several images would be written as a.png'),
    ],
)
def test_wrong_calls_of_align_faces(call, folder, tmp_path, args, message):
    names = ('none', 'out', 'empty', 'twice')
    places = {'folder': folder, **{name: tmp_path / name for name in names}}
    for name in names[2:]:
        places[name].mkdir()
    for name in ('a.png', 'a.jpg'):
        (tmp_path / 'twice' / name).write_bytes(b'')
    args = [str(x).format(**places) for x in args]
    call(load_tool('dataset_converters/align_faces'), *args, error=message)


def test_face_template_finds_how_drawn_faces_are_cut(rafdb_root):
    tool = ROOT / 'tools/misc/face_template.py'
    done = run(tool, rafdb_root, '--count', 42)
    assert done.returncode == 0, done.stderr
    found = {}
    exec(done.stdout[done.stdout.index('face_template') :], found)
    expected = np.array(Config.fromfile(CONFIG).face_template)
    np.testing.assert_allclose(found['face_template'], expected, atol=0.05)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('none', 'folder not found'),
        ('empty', 'no images in'),
        ('black', 'at least 20 are needed'),
    ],
)
def test_wrong_calls_of_face_template(call, tmp_path, name, message):
    for folder in ('empty', 'black'):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / 'black/x.png'), np.zeros((64, 64, 3), np.uint8))
    call(load_tool('misc/face_template'), tmp_path / name, error=message)
