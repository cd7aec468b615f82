"""Detector, crop and classifier, with models that were never trained."""

import cv2
import numpy as np
import pytest
import torch
from det_case import ROOT  # first: skips without MMDetection
from mmengine import Config
from mmengine.registry import DefaultScope

from mmqcs.apis import TwoStageFER
from mmqcs.apis.two_stage import face_boxes
from mmqcs.synth.scenes import SceneSettings, draw_scene
from mmqcs.utils import CheckpointError

DETECTOR = (ROOT / 'configs/det/retinanet_ir-small_synthfer.py', None)
CLASSIFIER = (ROOT / 'configs/qcs/qcs_ir-small_synthfer.py', None)
SCENE = draw_scene(SceneSettings(image_size=224), 'train', 1)[:200]


@pytest.fixture(scope='module')
def fer():
    """Untrained: finds faces anywhere."""
    config = Config.fromfile(DETECTOR[0])
    config.model.test_cfg.max_per_img = 6
    return TwoStageFER((config, None), CLASSIFIER, score_thr=0.0)


def test_faces_lie_in_the_image_and_are_classified(fer):
    faces = fer(SCENE)
    assert len(faces) > 1
    scores = [face.detection_score for face in faces]
    assert scores == sorted(scores, reverse=True)
    for face in faces:
        left, top, right, bottom = face.box
        assert 0 <= left < right <= 224
        assert 0 <= top < bottom <= 200
        assert face.scores.shape == (7,)
        assert face.scores.sum() == pytest.approx(1, abs=1e-5)
        assert face.label == face.scores.argmax()
        assert face.name == fer.classifier.classes[face.label]


def test_a_file_is_read(fer, tmp_path):
    cv2.imwrite(str(tmp_path / 'scene.png'), SCENE)
    for a, b in zip(fer(tmp_path / 'scene.png'), fer(SCENE), strict=True):
        assert np.array_equal(a.box, b.box)
        assert np.array_equal(a.scores, b.scores)


def test_an_image_without_faces(fer, monkeypatch):
    monkeypatch.setattr(fer, 'score_thr', 0.9)
    assert fer(np.zeros((64, 96, 3), np.uint8)) == []


def test_crops_go_to_the_classifier_in_order(fer, monkeypatch):
    boxes = np.array([[10.0, 20, 50, 80], [100, 100, 160, 150], [0, 0, 30, 30]])
    monkeypatch.setattr(fer, 'detect', lambda _: (boxes, np.ones(3)))
    together = fer(SCENE)
    monkeypatch.setattr(fer, 'batch_size', 1)
    for box, face, alone in zip(boxes, together, fer(SCENE), strict=True):
        np.testing.assert_array_equal(face.box, box)
        np.testing.assert_allclose(face.scores, alone.scores, atol=1e-5)
        (expected,) = fer.classifier([fer.crop(SCENE, box)])
        np.testing.assert_allclose(face.scores, expected['pred_scores'], atol=1e-5)


@pytest.mark.parametrize(
    ('square', 'margin', 'expected'),
    [
        (False, 0, (60, 40)),
        (True, 0, (60, 60)),
        (True, 0.25, (90, 90)),
        (False, 0.25, (90, 60)),
    ],
)
def test_crop(fer, monkeypatch, square, margin, expected):
    monkeypatch.setattr(fer, 'square', square)
    monkeypatch.setattr(fer._crop, 'margin', margin)
    crop = fer.crop(SCENE, np.array([80, 60, 120, 120]))
    assert np.allclose(crop.shape[:2], expected, atol=1)
    middle = SCENE[90, 100]
    height, width = crop.shape[:2]
    around = crop[height // 2 - 2 : height // 2 + 3, width // 2 - 2 : width // 2 + 3]
    assert (around == middle).all(axis=-1).any()


def test_the_default_scope_stays(fer):
    with DefaultScope.overwrite_default_scope('mmengine'):
        fer(SCENE)
        assert DefaultScope.get_current_instance().scope_name == 'mmengine'


def test_face_boxes():
    boxes = np.array(
        [[-5.0, 2, 8, 9], [1, 1, 5, 5], [3, 3, 3.5, 9], [20, 0, 30, 9], [0, 0, 4, 4]]
    )
    scores = np.array([0.5, 0.8, 0.9, 0.9, 0.1])
    found, kept = face_boxes(boxes, scores, 10, 8, 0.3)
    assert found.tolist() == [[1, 1, 5, 5], [0, 2, 8, 8]]
    assert kept.tolist() == [0.8, 0.5]
    assert face_boxes(np.empty((0, 4)), np.empty(0), 10, 8, 0.3)[0].shape == (0, 4)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(score_thr=2), 'score_thr must be from 0 to 1, got 2'),
        (dict(batch_size=0), 'batch_size must be at least 1, got 0'),
        (dict(margin=-1), 'margin must be ≥ 0, got -1'),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        TwoStageFER(DETECTOR, CLASSIFIER, **options)


def test_wrong_images(fer, tmp_path):
    with pytest.raises(ValueError, match=r'BGR array of uint8 .* got float64 and'):
        fer(np.zeros((4, 4, 3)))
    with pytest.raises(FileNotFoundError):
        fer(tmp_path / 'none.png')
    (tmp_path / 'text.png').write_text('text')
    with pytest.raises(ValueError, match=r'text.png cannot be read as an image'):
        fer(tmp_path / 'text.png')


class Foreign:
    """Stands for what a checkpoint must not hold."""


def test_a_checkpoint_with_foreign_objects_is_refused(tmp_path):
    torch.save({'state_dict': {}, 'x': Foreign()}, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match=r'x\.pth holds more than weights'):
        TwoStageFER((DETECTOR[0], tmp_path / 'x.pth'), CLASSIFIER)
