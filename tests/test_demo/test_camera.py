"""What the page computes for the frames of a camera."""

from threading import Lock

import cv2
import numpy as np
import pytest
import torch
from demo_case import CONFIG, KnownFaces
from faces_case import write_untrained

from mmqcs.apis import FERInferencer

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr

from mmqcs.demo.camera import HINT, MAX_BYTES, SIDE, Camera

BOXES = [(60, 60, 400, 400), (420, 60, 620, 260)]


@pytest.fixture(scope='module')
def infer(tmp_path_factory):
    torch.manual_seed(1)
    file = write_untrained(CONFIG, tmp_path_factory.mktemp('demo') / 'run.pth')
    return FERInferencer(file, faces=KnownFaces({}))


@pytest.fixture
def camera(infer):
    infer.detector = KnownFaces({(640, 480): BOXES})
    return Camera(infer, Lock())


def frame(size=(480, 640), value=90):
    return cv2.imencode('.jpg', np.full((*size, 3), value, np.uint8))[1].tobytes()


def numbers(tracker):
    return sorted(track.number for track in tracker._tracks)


def test_faces_keep_their_numbers(camera):
    drawn, summary, tracker = camera.watch(frame(), None)
    assert drawn.shape == (480, 640, 3)
    assert np.ptp(drawn.astype(int), axis=2).max() > 60  # boxes have colours
    assert summary.startswith('**2 faces**, the largest first: 1 ')
    left, right = BOXES
    moved = [[x + 10 for x in right], [x + 10 for x in left]]
    camera.infer.detector.boxes = {(640, 480): moved}
    _, again, same = camera.watch(frame(), tracker)
    assert same is tracker
    # sorted by the detector, numbered by place
    assert ': 2 ' in again
    assert numbers(tracker) == [1, 2]


def test_each_session_counts_on_its_own(camera):
    _, _, one = camera.watch(frame(), None)
    _, _, other = camera.watch(frame(), None)
    assert other is not one
    assert numbers(one) == numbers(other) == [1, 2]


def test_scores_are_smoothed(camera):
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (480, 640, 3)).astype(np.uint8)
    other = cv2.imencode('.jpg', noise)[1].tobytes()
    _, _, tracker = camera.watch(frame(), None)
    first = tracker._tracks[0].scores
    tracker._thumbnail = None  # a cut would end the track
    camera.watch(other, tracker)
    _, _, fresh = camera.watch(other, None)
    smooth, raw = tracker._tracks[0].scores, fresh._tracks[0].scores
    assert (np.abs(smooth - first) <= np.abs(raw - first) + 1e-9).all()
    assert (smooth != raw).any()


def test_large_frames_are_reduced(camera):
    drawn, summary, _ = camera.watch(frame((960, 1280)), None)
    assert max(drawn.shape) == SIDE
    assert '2 faces' in summary


def test_no_face_no_frame(camera):
    _, summary, tracker = camera.watch(frame(value=0), None)
    assert summary == 'No face was found.'
    # a face is searched once, not in four orientations
    assert camera.infer.detector.calls == 1
    assert camera.watch(None, tracker) == (None, HINT, None)


@pytest.mark.parametrize(
    ('content', 'message'),
    [(b'text', 'cannot be read'), (bytes(MAX_BYTES + 1), 'more than')],
)
def test_bad_frames(camera, content, message):
    with pytest.raises(gr.Error, match=message):
        camera.watch(content, None)
    assert not camera.lock.locked()
