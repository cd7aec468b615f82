"""MTCNN on rendered scenes, whose faces have known places."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from faces_case import overlap, scene
from mmengine.config import Config
from torchvision.ops import box_iou

from mmqcs.faces import Face, MTCNNDetector, mtcnn_detector
from mmqcs.synth.scenes import SceneSettings, render_scene, scene_faces

TEMPLATE = np.array(
    Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py').face_template
)


@pytest.fixture(scope='module')
def detector():
    return MTCNNDetector(device='cpu')


def places(truth):
    """Where the five points of each face are, (N, 5, 2)."""
    return np.array([TEMPLATE * x.place[2] + x.place[:2] for x in truth])


def check(faces, truth, scale=1.0, least=1.0, overlapping=0.6, tolerance=0.1):
    """Faces and points are where they were rendered, and nowhere else."""
    found = 0
    for face, points in zip(truth, places(truth), strict=True):
        near = [x for x in faces if overlap(x.box, face.box * scale) > overlapping]
        assert len(near) <= 1
        found += len(near)
        for x in near:
            side = face.place[2] * scale
            np.testing.assert_allclose(x.points, points * scale, atol=tolerance * side)
    assert found == len(faces)  # no others
    assert found >= least * len(truth)


def test_faces_of_scenes_are_found(detector):
    count = 0
    for index in range(6):
        image, truth = scene(index)
        check(detector.detect(image), truth)
        count += len(truth)
    assert count > 10


def test_a_large_image_is_reduced(detector):
    image, truth = scene(0)
    large = cv2.resize(image, None, fx=6, fy=6, interpolation=cv2.INTER_LINEAR)
    assert max(large.shape) > detector.max_side
    check(detector.detect(large), truth, 6.0)


def test_points_turn_with_the_face(detector):
    image, _ = scene(0)
    face = detector.detect(image)[0]
    centre = tuple(face.box.reshape(2, 2).mean(0))
    matrix = cv2.getRotationMatrix2D(centre, 15, 1)
    turned = cv2.warpAffine(image, matrix, image.shape[1::-1])
    again = max(detector.detect(turned), key=lambda x: overlap(x.box, face.box))
    expected = face.points @ matrix[:, :2].T + matrix[:, 2]
    side = face.box[2] - face.box[0]
    np.testing.assert_allclose(again.points, expected, atol=0.07 * side)


def test_a_mirrored_image_has_mirrored_faces(detector):
    image, _ = scene(1)
    width = image.shape[1]
    faces = detector.detect(image)
    mirrored = detector.detect(np.ascontiguousarray(image[:, ::-1]))
    assert len(faces) == len(mirrored) > 0
    for face in faces:
        left, top, right, bottom = face.box
        box = np.array([width - right, top, width - left, bottom])
        other = max(mirrored, key=lambda x: overlap(x.box, box))
        assert overlap(other.box, box) > 0.8
        points = face.points[[1, 0, 2, 4, 3]] * (-1, 1) + (width - 1, 0)
        np.testing.assert_allclose(other.points, points, atol=0.06 * (right - left))


@pytest.fixture(params=[1, 2], ids='{} threads'.format)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_a_batch_gives_what_single_images_give(detector, threads):
    images = [scene(0)[0], scene(1)[0], scene(2)[0][:200], scene(3)[0]]
    images.append(np.zeros_like(images[0]))
    batch = detector.detect_batch(images)
    assert batch[-1] == []
    for image, faces in zip(images, batch, strict=True):
        single = detector.detect(image)
        assert len(single) == len(faces)
        for a, b in zip(single, faces, strict=True):
            np.testing.assert_allclose(a.box, b.box, atol=0.01)
            np.testing.assert_allclose(a.points, b.points, atol=0.01)
            assert a.score == pytest.approx(b.score, abs=1e-4)
    assert detector.detect_batch([]) == []
    with ThreadPoolExecutor(1) as pool:
        numbers = torch.get_num_threads(), pool.submit(torch.get_num_threads).result()
    assert numbers == (threads, threads)


@pytest.mark.parametrize('shape', [(8, 8), (11, 400), (400, 11), (64, 96), (12, 12)])
def test_images_without_a_face(detector, shape):
    for value in (0, 255):
        assert detector.detect(np.full((*shape, 3), value, np.uint8)) == []


def test_noise_has_no_faces(detector):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_faces_of_12_pixels(detector):
    settings = SceneSettings(image_size=192, min_size=96, max_size=96)
    count = found = 0
    for index in range(8):
        truth = scene_faces(settings, 'train', index)
        scale = 12 / np.mean([x.box[2] - x.box[0] for x in truth])
        image = render_scene(settings, 'train', index)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=3)
        faces = detector.detect(small)
        ratio = small.shape[1] / settings.image_size
        check(faces, truth, ratio, least=0, overlapping=0.4, tolerance=0.2)
        count, found = count + len(truth), found + len(faces)
    assert found >= 0.7 * count


def test_smaller_windows_find_smaller_faces():
    image, _ = scene(4)
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    counts = [
        len(MTCNNDetector(min_size=size, device='cpu').detect(small))
        for size in (12, 20, 60)
    ]
    assert counts[0] >= counts[1] > counts[2] == 0


@pytest.mark.slow
def test_500_faces(detector, monkeypatch):
    """All are found, and no network gets more crops at once than allowed."""
    settings = SceneSettings(image_size=64, min_size=64, max_size=64, max_faces=1)
    tiles = [render_scene(settings, 'train', i) for i in range(50)] * 10
    rows = [np.hstack(tiles[i : i + 25]) for i in range(0, 500, 25)]
    largest = []
    crops = mtcnn_detector._crops

    def counted(images, part, size):
        largest.append(len(part))
        return crops(images, part, size)

    monkeypatch.setattr(mtcnn_detector, '_crops', counted)
    monkeypatch.setattr(mtcnn_detector, '_CROPS', 256)
    detector = MTCNNDetector(max_side=1600, device='cpu')
    faces = detector.detect(np.vstack(rows))
    places = {(int(x), int(y)) for x, y in (f.box[:2] // 64 for f in faces)}
    assert len(places) >= 450
    assert len(faces) <= 500
    assert max(largest) == 256


def test_points_for_boxes_of_another_detector(detector):
    image, truth = scene(0)
    rng = np.random.default_rng(0)
    faces = [Face(x.box + rng.normal(size=4) * 3, 0.5) for x in truth]
    faces.append(Face(np.array([0.0, 0, 9, 9]), 0.4))
    *found, other = detector.add_points(image, faces)
    assert other == faces[-1]  # no face
    for face, given, side, points in zip(
        found, faces, [x.place[2] for x in truth], places(truth), strict=False
    ):
        assert face.box is given.box
        assert face.score == 0.5
        np.testing.assert_allclose(face.points, points, atol=0.1 * side)
    assert detector.add_points(image, []) == []


def test_squares_and_shifts():
    rows = torch.tensor([[0.0, 10, 20, 50, 100, 0.9], [1, 0, 0, 30, 10, 0.8]])
    squares = mtcnn_detector._squared(rows)
    assert squares.tolist()[0] == pytest.approx([0, -10, 20, 70, 100, 0.9])
    assert squares.tolist()[1] == pytest.approx([1, 0, -10, 30, 20, 0.8])
    shift = torch.tensor([[0.1, -0.5, 0, 0.25]] * 2)
    moved = mtcnn_detector._moved(rows, shift)
    assert moved.tolist()[0] == pytest.approx([14, -20, 50, 120])
    assert moved.tolist()[1] == pytest.approx([3, -5, 30, 12.5])


def test_crops_are_means_of_pixels():
    rng = np.random.default_rng(0)
    image = torch.tensor(rng.random((2, 3, 96, 96)), dtype=torch.float32)
    rows = torch.tensor([[1.0, 24, 0, 72, 48, 0.9]])
    (crop,) = mtcnn_detector._crops(image, rows, 24)
    part = image[1, :, :48, 24:72]
    torch.testing.assert_close(crop, part.reshape(3, 24, 2, 24, 2).mean((2, 4)))


def test_faces_of_different_images_do_not_suppress_each_other(detector):
    rng = np.random.default_rng(0)
    corner = torch.tensor(rng.uniform(0, 60, (80, 2)), dtype=torch.float32)
    boxes = torch.cat([corner, corner + 30], 1)
    image = torch.arange(80)[:, None] % 2
    scores = torch.tensor(rng.random((80, 1)), dtype=torch.float32)
    rows = torch.cat([image, boxes, scores], 1)
    kept = mtcnn_detector._suppress(rows, 0.5)
    for number in (0, 1):
        some, all_of = kept[kept[:, 0] == number], rows[rows[:, 0] == number]
        among = box_iou(some[:, 1:5], some[:, 1:5]) - torch.eye(len(some))
        assert among.max() <= 0.5
        for row in all_of:  # kept, or next to a better one
            iou = box_iou(row[None, 1:5], some[:, 1:5])[0]
            assert ((iou > 0.5) & (some[:, 5] >= row[5])).any()


def test_faces_need_no_torch_until_mtcnn_is_used():
    script = (
        'import sys, mmqcs.faces as f; assert "torch" not in sys.modules; '
        'f.MTCNNDetector; assert "torch" in sys.modules; '
        'assert "tensorflow" not in sys.modules'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(ImportError):
        from mmqcs.faces import Nothing  # noqa: F401
