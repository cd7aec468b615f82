"""Classifying with onnxruntime alone."""

import json
import subprocess
import sys

import cv2
import numpy as np
import onnx
import pytest
from onnx_case import CLASSES, describe, expected_scores, write_case

from mmqcs.deployment import ModelDescription, OnnxClassifier


@pytest.fixture
def path(tmp_path):
    return write_case(tmp_path / 'case.onnx')


def faces(*sizes):
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def by_hand(face):
    resized = cv2.resize(face, (10, 12), interpolation=cv2.INTER_AREA)
    return expected_scores(resized[2:10, 2:8])


def test_scores_of_faces_of_any_size_in_their_order(path):
    classify = OnnxClassifier(path, threads=1, batch_size=2)
    assert classify.classes == CLASSES
    assert classify.input_size == (8, 6)
    many = faces((12, 10), (40, 30), (12, 10), (7, 9), (40, 30), (12, 10), (12, 10))
    scores = classify(many)
    assert scores.dtype == np.float32
    expected = [by_hand(face) for face in many]
    assert np.allclose(scores, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01  # the order could be seen
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_an_array_is_a_batch(path):
    classify = OnnxClassifier(path)
    batch = np.stack(faces((20, 20), (20, 20)))
    assert np.array_equal(classify(batch), classify(list(batch)))


def test_no_faces_no_scores(path):
    classify = OnnxClassifier(path)
    assert classify([]).shape == (0, 3)
    assert classify(np.empty((0, 5, 5, 3), np.uint8)).shape == (0, 3)


def test_views_that_are_not_contiguous_are_read(path):
    classify = OnnxClassifier(path)
    (image,) = faces((64, 64))
    face = image[10:40:2, 40:10:-1]
    assert np.allclose(classify([face]), [by_hand(face.copy())], atol=1e-5)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (np.zeros((8, 8, 3), np.uint8), r'\(8, 8, 3\).* \[face\]'),
        ([np.zeros((8, 8, 3), np.float32)], r'got float32 \(8, 8, 3\)'),
        ([np.zeros((8, 8), np.uint8)], r'got uint8 \(8, 8\)'),
        ([np.zeros((8, 8, 4), np.uint8)], r'got uint8 \(8, 8, 4\)'),
        ([np.zeros((0, 8, 3), np.uint8)], r'got uint8 \(0, 8, 3\)'),
        ([None], 'got NoneType'),  # what cv2.imread gives of a missing file
        (['face.png'], 'got str'),
    ],
)
def test_what_is_no_face_is_refused(path, given, message):
    with pytest.raises(ValueError, match=message):
        OnnxClassifier(path)(given)


def test_a_face_of_the_wrong_size_where_nothing_resizes(tmp_path):
    text = describe(steps=()).to_json()
    classify = OnnxClassifier(write_case(tmp_path / 'a.onnx', text))
    (face,) = faces((8, 6))
    assert np.allclose(classify([face]), [expected_scores(face)], atol=1e-5)
    with pytest.raises(ValueError, match='image of 9 x 6'):
        classify(faces((9, 6)))


def damaged(**changes):
    return json.dumps({**json.loads(describe().to_json()), **changes})


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'was not written by mmqcs export'),
        ('{', 'damaged'),
        ('[1]', 'damaged'),
        (damaged(format=99), 'has format 99'),
        (damaged(colour='red'), 'incomplete'),
        (damaged(steps=[{'type': 'Rotate'}]), "unknown step 'Rotate'"),
        (damaged(graph_input='video'), 'graph_input'),
        (describe(steps=None, problem='it rotates').to_json(), 'it rotates'),
    ],
)
def test_a_file_that_does_not_say_what_it_needs_is_refused(tmp_path, text, message):
    path = write_case(tmp_path / 'case.onnx', text)
    with pytest.raises(ValueError, match=message) as caught:
        OnnxClassifier(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='missing.onnx is not a file'):
        OnnxClassifier(tmp_path / 'missing.onnx')
    for content in (b'', b'no model'):
        (tmp_path / 'a.onnx').write_bytes(content)
        with pytest.raises(ValueError, match='cannot be read as an ONNX model'):
            OnnxClassifier(tmp_path / 'a.onnx')


def test_wrong_settings_are_refused(path):
    with pytest.raises(ValueError, match='threads must be at least 1, got 0'):
        OnnxClassifier(path, threads=0)
    with pytest.raises(ValueError, match='batch_size must be at least 1, got -1'):
        OnnxClassifier(path, batch_size=-1)
    with pytest.raises(ValueError, match='no MagicProvider .*CPU'):
        OnnxClassifier(path, providers=['MagicProvider', 'CPUExecutionProvider'])


def test_the_description_is_read_as_written():
    template = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.4, 0.8), (0.6, 0.8))
    about = describe(mean=None, std=None, precision='int8', face_template=template)
    assert ModelDescription.from_json(about.to_json()) == about


BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top.startswith(('torch', 'mm', 'onnx')) and top not in (
            'mmqcs', 'onnxruntime'
        ):
            raise ImportError(f'{name} is blocked')

sys.meta_path.insert(0, Blocked())
"""

DEPLOYMENT = """
import importlib.metadata

def version(name, found=importlib.metadata.version):
    if 'mm' in name and name != 'mmqcs':
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

importlib.metadata.version = version
"""


def run(code, *args):
    return subprocess.run(
        [sys.executable, '-c', code, *map(str, args)], capture_output=True, text=True
    )


def test_runs_where_torch_and_openmmlab_are_missing(path, tmp_path):
    batch = np.stack(faces((30, 20), (30, 20)))
    np.save(tmp_path / 'faces.npy', batch)
    code = (
        BLOCKED
        + DEPLOYMENT
        + (
            'import numpy as np\n'
            'from mmqcs.deployment import OnnxClassifier\n'
            'scores = OnnxClassifier(sys.argv[1])(np.load(sys.argv[2]))\n'
            'np.save(sys.argv[3], scores)\n'
        )
    )
    done = run(code, path, tmp_path / 'faces.npy', tmp_path / 'scores.npy')
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / 'scores.npy'), OnnxClassifier(path)(batch))


@pytest.mark.parametrize(
    'part', ['apis', 'datasets', 'engine', 'evaluation', 'export', 'models']
)
def test_the_other_parts_say_what_they_need(part):
    done = run(BLOCKED + DEPLOYMENT + f'import mmqcs.{part}')
    assert done.returncode == 1
    assert 'ImportError: mmqcs needs mmengine, mmcv, mmpretrain.' in done.stderr


def test_onnxruntime_missing_is_said(path):
    code = BLOCKED.replace("'mmqcs', 'onnxruntime'", "'mmqcs',") + (
        'from mmqcs.deployment import OnnxClassifier\nOnnxClassifier(sys.argv[1])\n'
    )
    done = run(code, path)
    assert 'OnnxClassifier needs onnxruntime: pip install onnxruntime' in done.stderr


def described(change):
    """Text of a description after a change of its content."""
    content = json.loads(describe().to_json())
    content.update(change)
    return json.dumps(content)


STEP = {'type': 'Resize', 'height': 8, 'width': 6}


@pytest.mark.parametrize(
    ('change', 'fact'),
    [
        ({'classes': 3}, 'classes=3'),
        ({'classes': 'abc'}, "classes='abc'"),
        ({'classes': [1, 2, 3]}, r'classes=\(1, 2, 3\)'),
        ({'classes': []}, 'classes='),
        ({'classes': ['a', 'a', 'b']}, 'duplicate'),
        ({'classes': ['a', 'b']}, r'\[None, 2\]'),
        ({'classes': list('abcd')}, r'\[None, 4\]'),
        ({'input_size': 8}, 'input_size=8'),
        ({'input_size': [8]}, r'input_size=\(8,\)'),
        ({'input_size': [8, 6, 3]}, 'input_size='),
        ({'input_size': [8, -6]}, 'input_size='),
        ({'input_size': [8, True]}, 'input_size='),
        ({'input_size': [8.0, 6.0]}, 'input_size='),
        ({'input_size': [6, 8]}, r'\[None, 3, 6, 8\]'),
        ({'graph_input': 'pixels'}, r'tensor\(uint8\) \[None, 8, 6, 3\]'),
        ({'graph_input': 'faces'}, r'tensor\(uint8\)'),
        ({'graph_input': None}, 'graph_input'),
        ({'mean': [1.0, 2.0]}, 'mean='),
        ({'mean': [1.0, 2.0, float('nan')]}, 'mean='),
        ({'mean': [1.0, 2.0, 'x']}, 'mean='),
        ({'mean': None}, 'std='),
        ({'std': [1.0, 2.0, 0.0]}, 'std='),
        ({'std': [1.0, 2.0, -1.0]}, 'std='),
        ({'std': [1.0, 2.0, float('inf')]}, 'std='),
        ({'swap_channels': 1}, 'swap_channels=1'),
        ({'config': 3}, 'config=3'),
        ({'precision': 'fp4'}, 'precision='),
        ({'face_template': [[0.1, 0.2]] * 4}, 'face_template='),
        ({'face_template': [[0.1, float('nan')]] * 5}, 'face_template='),
        ({'face_template': 'x'}, 'face_template='),
        ({'steps': 3}, 'steps'),
        ({'steps': [3]}, 'steps'),
        ({'steps': {}}, 'steps'),
        ({'steps': [{}]}, 'unknown step None'),
        ({'steps': [{'type': []}]}, r'unknown step \[\]'),
        ({'steps': [{'type': 'Resize', 'height': 8}]}, r'step: Resize.*width'),
        ({'steps': [{**STEP, 'height': 0}]}, 'height=0'),
        ({'steps': [{**STEP, 'height': 10**9}]}, 'height=1000000000'),
        ({'steps': [{**STEP, 'width': 6.5}]}, 'width=6.5'),
        ({'steps': [{**STEP, 'interpolation': 'magic'}]}, "'magic'"),
        ({'steps': [{**STEP, 'interpolation': []}]}, 'interpolation'),
        ({'steps': [{**STEP, 'backend': {}}]}, 'backend'),
        ({'steps': [{**STEP, 'extra': 1}]}, 'extra'),
        ({'steps': [{'type': 'Subsample', 'step': 0}]}, 'step=0'),
        ({'steps': [{'type': 'ResizeEdge', 'length': 9, 'edge': 'up'}]}, "edge='up'"),
        ({'format': 1}, 'format 1'),
        ({'unknown': 2}, 'incomplete'),
    ],
)
def test_a_description_that_is_wrong_is_named(tmp_path, change, fact):
    path = write_case(tmp_path / 'a.onnx', described(change))
    with pytest.raises(ValueError, match=rf'a\.onnx: .*{fact}'):
        OnnxClassifier(path)


@pytest.mark.parametrize('text', ['[' * 10**5, '3', '[]', '{"format"', 'null', '""'])
def test_a_text_that_is_no_description(tmp_path, text):
    path = write_case(tmp_path / 'a.onnx', text)
    with pytest.raises(ValueError, match=r'a\.onnx: the description of the model is'):
        OnnxClassifier(path)


@pytest.mark.filterwarnings('ignore:overflow')
def test_scores_that_are_not_numbers_are_an_error(tmp_path):
    change = {'mean': [1e38] * 3, 'std': [1e-38] * 3}
    path = write_case(tmp_path / 'a.onnx', described(change))
    face = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match='1 of 1 faces are not finite'):
        OnnxClassifier(path)([face])


def test_weights_in_another_file_are_not_read(tmp_path):
    """The format lets a model name any file next to it."""
    path = write_case(tmp_path / 'a.onnx')
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location='weights.bin',
        size_threshold=0,
    )
    with pytest.raises(ValueError, match=r'a\.onnx cannot be read'):
        OnnxClassifier(path)
