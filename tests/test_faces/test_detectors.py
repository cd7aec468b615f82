"""What all detectors share, and YuNet with a small net of its form."""

import numpy as np
import pytest
from test_deployment.onnx_case import write_case

from mmqcs.faces import (
    Face,
    MTCNNDetector,
    WholeImage,
    YuNetDetector,
    cut_face,
)
from mmqcs.faces.face import largest_first


def test_largest_first():
    boxes = [(0, 0, 4, 4), (-5, -5, 5, 5), (30, 0, 40, 9), (1, 1, 9, 9), (2, 2, 2.5, 9)]
    faces = [Face(np.array(box), score=i) for i, box in enumerate(boxes)]
    found = largest_first(faces, 20, 8)
    assert [tuple(face.box) for face in found] == [
        (1, 1, 9, 8),
        (0, 0, 5, 5),
        (0, 0, 4, 4),
    ]
    assert [face.area for face in found] == [56, 25, 16]


def test_whole_image():
    image = np.zeros((30, 20, 3), np.uint8)
    (face,) = WholeImage().detect(image)
    assert face.box.tolist() == [0, 0, 20, 30]
    assert face.points is None
    assert cut_face(image, face) is image


@pytest.mark.parametrize(
    ('box', 'margin', 'expected'),
    [
        ((80, 60, 120, 120), 0, (60, 60)),
        ((80, 60, 120, 120), 0.25, (90, 90)),
        ((0, 0, 40, 40), 0.5, (60, 60)),  # clipped
    ],
)
def test_a_face_without_points_is_cut_as_a_square(box, margin, expected):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 224, 3), dtype=np.uint8)
    crop = cut_face(image, Face(np.array(box, float), 1.0), margin=margin)
    assert crop.shape[:2] == expected
    if box[0]:
        assert (crop[expected[0] // 2, expected[1] // 2] == image[90, 100]).all()


@pytest.mark.parametrize(
    ('kind', 'options', 'message'),
    [
        (MTCNNDetector, dict(score_thr=-1), 'score_thr must be from 0 to 1, got -1'),
        (MTCNNDetector, dict(min_size=11), 'min_size must be at least 12.*got 11'),
        (MTCNNDetector, dict(max_side=9), 'max_side must be at least 64, got 9'),
        (YuNetDetector, dict(model='x', score_thr=2), 'score_thr must be from 0 to 1'),
        (YuNetDetector, dict(model='x', max_side=1), 'max_side must be at least 64'),
    ],
)
def test_wrong_arguments(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)


POINTS = ((-0.3, -0.2), (0.3, -0.2), (0.0, 0.1), (-0.2, 0.4), (0.2, 0.4))


@pytest.fixture(scope='module')
def yunet(tmp_path_factory):
    """A net with YuNet's outputs: a white cell of 32 × 32 is a face of 64 × 64."""
    onnx = pytest.importorskip('onnx')
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes, weights, outputs = [], [], []

    def add(name, value, dtype=np.float32):
        weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    for stride in (8, 16, 32):
        values = {
            'cls': [-20.0],
            'obj': [20.0],
            'bbox': [0.5, 0.5, np.log(2), np.log(2)],
            'kps': (np.array(POINTS) * 2 + 0.5).ravel(),
        }
        for kind, bias in values.items():
            out, name = len(bias), f'{kind}_{stride}'
            # the mean of a cell decides on faces, at the largest stride alone
            sees = 40.0 / (3 * 255 * stride**2) if name == 'cls_32' else 0.0
            kernel = add(f'w_{name}', np.full((out, 3, stride, stride), sees))
            args = ['input', kernel, add(f'b_{name}', bias)]
            sides = [stride, stride]
            nodes += [
                helper.make_node(
                    'Conv', args, [f'c_{name}'], kernel_shape=sides, strides=sides
                ),
                helper.make_node(
                    'Transpose', [f'c_{name}'], [f't_{name}'], perm=[0, 2, 3, 1]
                ),
            ]
            last = f't_{name}'
            if kind in ('cls', 'obj'):
                nodes.append(helper.make_node('Sigmoid', [last], [f's_{name}']))
                last = f's_{name}'
            shape = add(f'shape_{name}', [1, -1, out], np.int64)
            nodes.append(helper.make_node('Reshape', [last, shape], [name]))
            info = helper.make_tensor_value_info
            outputs.append(info(name, onnx.TensorProto.FLOAT, [1, None, out]))
    image = helper.make_tensor_value_info(
        'input', onnx.TensorProto.FLOAT, [1, 3, 'height', 'width']
    )
    graph = helper.make_graph(nodes, 'yunet', [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 8
    path = tmp_path_factory.mktemp('yunet') / 'yunet.onnx'
    onnx.save(model, path)
    return path


@pytest.mark.parametrize('enlarged', [1, 4])
def test_yunet(yunet, enlarged):
    image = np.zeros((192, 320, 3), np.uint8)
    cells = ((64, 96), (224, 32))
    for x, y in cells:
        image[y : y + 32, x : x + 32] = 255
    image = image.repeat(enlarged, 0).repeat(enlarged, 1)
    faces = YuNetDetector(yunet, max_side=320).detect(image)
    expected = [(x - 16, y - 16, x + 48, y + 48) for x, y in cells]
    found = sorted(faces, key=lambda face: face.box[0])
    assert len(found) == 2
    for face, box in zip(found, expected, strict=True):
        np.testing.assert_allclose(face.box / enlarged, box, atol=0.01)
        assert face.score == pytest.approx(1, abs=0.01)
        centre = np.array(box).reshape(2, 2).mean(0)
        points = centre + np.array(POINTS) * 64
        np.testing.assert_allclose(face.points / enlarged, points, atol=0.01)


def test_yunet_finds_nothing(yunet):
    assert YuNetDetector(yunet).detect(np.zeros((50, 70, 3), np.uint8)) == []


def test_a_wrong_yunet_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no YuNet model at'):
        YuNetDetector(tmp_path / 'none.onnx')
    (tmp_path / 'text.onnx').write_text('text')
    with pytest.raises(ValueError, match=r'text\.onnx is not a YuNet.*lacks .* cls_8'):
        YuNetDetector(tmp_path / 'text.onnx')


def test_a_yunet_file_that_is_damaged(yunet, tmp_path):
    content = yunet.read_bytes()
    path = tmp_path / 'x.onnx'
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r'x\.onnx is not a YuNet'):
            YuNetDetector(path)


def test_a_path_that_is_not_utf_8(yunet, tmp_path):
    path = tmp_path / 'x\udcff.onnx'
    path.write_bytes(yunet.read_bytes())
    with pytest.raises(ValueError, match=r'x\udcff\.onnx.*utf-8'):
        YuNetDetector(path)


def test_an_onnx_file_of_another_kind(tmp_path):
    # OpenCV crashes while it loads some of these, so they must be refused before
    path = write_case(tmp_path / 'classifier.onnx')
    with pytest.raises(ValueError, match=r'classifier\.onnx.*lacks .*bbox_16'):
        YuNetDetector(path)


def test_outputs_of_other_sizes(yunet, tmp_path):
    # OpenCV reads past their ends
    onnx = pytest.importorskip('onnx')
    model = onnx.load(yunet)
    (last,) = (x for x in model.graph.node if 'bbox_8' in x.output)
    last.op_type = 'ReduceMean'
    del last.input[1:]
    onnx.save(model, tmp_path / 'x.onnx')
    with pytest.raises(ValueError, match=r'x\.onnx.*output bbox_8 has the shape'):
        YuNetDetector(tmp_path / 'x.onnx')
