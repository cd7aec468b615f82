"""Detector of MMDetection, aligned faces and classifier, from two configs."""

import numpy as np
import pytest
import torch
from det_case import ROOT  # first: skips without MMDetection
from mmengine import Config
from mmengine.registry import DefaultScope

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.faces import MMDetDetector, cut_face
from mmqcs.synth.scenes import SceneSettings, render_scene, scene_faces

DETECTOR = ROOT / 'configs/det/retinanet_ir-small_synthfer.py'
CLASSIFIER = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
SETTINGS = SceneSettings(image_size=224)
SCENE = render_scene(SETTINGS, 'train', 1)[:200]


@pytest.fixture(scope='module')
def detector():
    """Untrained: finds faces anywhere."""
    config = Config.fromfile(DETECTOR)
    config.model.test_cfg.max_per_img = 6
    return MMDetDetector(config, None, score_thr=0.0)


@pytest.fixture(scope='module')
def infer(detector):
    with pytest.warns(UserWarning, match='the weights are random'):
        return FERInferencer(CLASSIFIER, faces=detector)


def test_faces_lie_in_the_image_and_are_classified(infer):
    (result,) = infer(SCENE)
    assert len(result.faces) > 1
    areas = [item.face.area for item in result.faces]
    assert areas == sorted(areas, reverse=True)
    for item in result.faces:
        left, top, right, bottom = item.face.box
        assert 0 <= left < right <= 224
        assert 0 <= top < bottom <= 200
        assert item.scores.shape == (7,)
        assert item.scores.sum() == pytest.approx(1, abs=1e-5)


def test_weak_boxes_are_left_out(detector, monkeypatch):
    found = detector.detect(SCENE)
    scores = sorted(face.score for face in found)
    monkeypatch.setattr(detector, 'score_thr', scores[2])
    assert len(detector.detect(SCENE)) == len(found) - 2


def test_points_in_a_box_align_the_face(detector, monkeypatch):
    """Given the true boxes and one elsewhere, the faces have points in their places."""
    image, truth = render_scene(SETTINGS, 'train', 1), scene_faces(SETTINGS, 'train', 1)
    elsewhere = [0.0, 0, 12, 12]
    boxes = torch.tensor(
        np.array([*(face.box for face in truth), elsewhere]), dtype=torch.float32
    )

    def inference(model, image):
        instances = InstanceData(bboxes=boxes, scores=torch.ones(len(boxes)))
        return DetDataSample(pred_instances=instances)

    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    monkeypatch.setattr(detector, '_inference', inference)
    faces = detector.detect(image)
    *faces, other = faces
    assert other.points is None
    assert len(faces) == len(truth)
    assert cut_face(image, other, margin=0.1).shape == (13, 13, 3)  # its box, clipped
    template = np.array(Config.fromfile(CLASSIFIER).face_template)
    for face in faces:
        near = min(truth, key=lambda t: np.abs(t.box - face.box).max())
        left, top, side = near.place
        expected = template * side + (left, top)
        np.testing.assert_allclose(face.points, expected, atol=0.1 * side)
        assert cut_face(image, face).shape == (112, 112, 3)


def test_without_looking_for_points(infer):
    plain = MMDetDetector(Config.fromfile(DETECTOR), None, 0.0, find_points=False)
    assert all(face.points is None for face in plain.detect(SCENE))


def test_an_image_without_faces(infer, detector, monkeypatch):
    monkeypatch.setattr(detector, 'score_thr', 0.9)
    assert infer(np.zeros((64, 96, 3), np.uint8))[0].faces == ()


def test_the_default_scope_stays(infer):
    with DefaultScope.overwrite_default_scope('mmengine'):
        infer(SCENE)
        assert DefaultScope.get_current_instance().scope_name == 'mmengine'


@pytest.mark.parametrize(('given', 'taken'), [(None, 'cuda:9'), ('cpu', 'cpu')])
def test_a_gpu_if_there_is_one(monkeypatch, given, taken):
    devices = []
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda:9')
    monkeypatch.setattr(
        'mmdet.apis.init_detector',
        lambda config, checkpoint, device: devices.append(device),
    )
    MMDetDetector(DETECTOR, None, find_points=False, device=given)
    assert devices == [taken]


def test_wrong_arguments():
    with pytest.raises(ValueError, match='score_thr must be from 0 to 1, got 2'):
        MMDetDetector(DETECTOR, None, score_thr=2)


class Foreign:
    """Stands for what a checkpoint must not hold."""


def test_a_checkpoint_with_foreign_objects_is_refused(tmp_path):
    torch.save({'state_dict': {}, 'x': Foreign()}, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match=r'x\.pth holds more than weights'):
        MMDetDetector(DETECTOR, tmp_path / 'x.pth')


def test_a_checkpoint_of_another_detector_is_refused(tmp_path, monkeypatch):
    """MMDetection would go on with random weights."""
    import mmdet.apis

    model = torch.nn.Linear(2, 1)
    monkeypatch.setattr(mmdet.apis, 'init_detector', lambda *_, **__: model)
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': {'weight': torch.ones(1, 2)}}, path)
    with pytest.raises(CheckpointError, match=r'a\.pth does not fit.*bias is missing'):
        MMDetDetector('a.py', path)
