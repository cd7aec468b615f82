"""Faces that keep their numbers over the frames of a video."""

from itertools import permutations

import cv2
import numpy as np
import pytest
from faces_case import scene
from video_case import write_video

from mmqcs.apis import FERInferencer
from mmqcs.apis.results import FaceExpression, ImageResult
from mmqcs.apis.tracking import (
    CUT,
    GAP,
    SMOOTHING,
    FaceTracker,
    match_boxes,
    scene_change,
    thumbnail,
)
from mmqcs.faces import Face

CLASSES = ('Sad', 'Happy')


def frame(time, *boxes, scores=(0.2, 0.8), image=None, source='v.mp4'):
    """A frame with these faces; a number stands for a square of 20 pixels there."""
    faces = []
    for box in boxes:
        box = (box, 50, box + 20, 70) if np.isscalar(box) else box
        values = np.array(scores)
        label = int(values.argmax())
        face = Face(np.array(box, float), 1.0)
        faces.append(FaceExpression(face, label, CLASSES[label], values))
    return ImageResult(source, CLASSES, tuple(faces), time=time, image=image)


def tracks(results, tracker=None):
    tracker = tracker or FaceTracker()
    return [[x.track for x in tracker.update(result).faces] for result in results]


@pytest.mark.parametrize('shape', [(1, 1), (3, 3), (2, 5), (5, 2), (4, 4), (3, 0)])
def test_matches_are_the_best_of_all(shape):
    rng = np.random.default_rng(0)
    for _ in range(20):
        overlaps = rng.random(shape) * (rng.random(shape) < 0.7)
        valid = np.where(overlaps >= 0.3, overlaps, 0)
        tall = valid if shape[0] <= shape[1] else valid.T
        best = (
            max(
                sum(tall[i, j] for i, j in enumerate(order))
                for order in permutations(range(tall.shape[1]), len(tall))
            )
            if min(shape)
            else 0
        )
        pairs = match_boxes(overlaps, 0.3)
        assert sum(overlaps[i, j] for i, j in pairs) == pytest.approx(best)
        assert all(overlaps[i, j] >= 0.3 for i, j in pairs)
        for side in zip(*pairs, strict=True):
            assert len(set(side)) == len(side)


def test_faces_that_do_not_move():
    found = [frame(i / 25, 10, 100, 200) for i in range(5)]
    found.append(frame(5 / 25, 200, 10, 100))  # in another order
    assert tracks(found) == [[1, 2, 3]] * 5 + [[3, 1, 2]]


@pytest.mark.parametrize('step', [3, 4, 6, 7])
def test_faces_that_cross(step):
    """Two faces meet, one right over the other, and go on."""
    results = [
        frame(
            i / 25,
            (step * i, 50, step * i + 20, 70),
            (98 - step * i, 52, 118 - step * i, 72),
        )
        for i in range(98 // step)
    ]
    assert tracks(results) == [[1, 2]] * len(results)


def test_a_face_that_another_hides():
    """While two are one above the other, the detector only finds the front one."""
    results = []
    for i in range(30):
        left, right = 4 * i, 116 - 4 * i
        hidden = abs(left - right) < 12
        results.append(frame(i / 25, *((left,) if hidden else (left, right))))
    found = tracks(results)
    assert found[0] == found[-1] == [1, 2]
    assert min(map(len, found)) == 1


@pytest.mark.parametrize(('seconds', 'number'), [(0.9 * GAP, 1), (1.1 * GAP, 2)])
def test_gaps(seconds, number):
    """Short ones are bridged, and after long ones a face is another one."""
    results = [frame(0, 10), frame(0.2), frame(seconds / 2), frame(seconds, 10)]
    assert tracks(results) == [[1], [], [], [number]]


def test_a_face_that_moves_on_while_it_is_not_found():
    results = [frame(i / 10, 10 * i) for i in range(6)]
    results += [frame(i / 10) for i in range(6, 10)]
    assert tracks([*results, frame(1.0, 100)])[-1] == [1]
    assert tracks([*results, frame(1.0, 0)])[-1] == [2]


def test_frames_that_are_far_apart():
    assert tracks([frame(20.0 * i, 10) for i in range(3)]) == [[1]] * 3


def test_numbers_are_given_once():
    """Faces come and go; all that overlaps nothing is new."""
    results = [frame(0, 10), frame(3, 10, 100), frame(6, 100), frame(9, 10, 100, 200)]
    assert tracks(results) == [[1], [1, 2], [2], [3, 2, 4]]
    rng = np.random.default_rng(0)
    seen, last = set(), set()
    tracker = FaceTracker()
    for i in range(200):
        places = 30 * rng.choice(20, rng.integers(0, 6), replace=False)
        (now,) = tracks([frame(2.0 * i, *map(float, places))], tracker)
        assert len(set(now)) == len(now)
        assert not set(now) & (seen - last)
        seen, last = seen | set(now), set(now)


def test_cuts_end_tracks():
    first, second = (scene(i)[0] for i in (0, 1))
    shots = [first, first, second, second, first]
    results = [frame(i / 25, 10, image=shot) for i, shot in enumerate(shots)]
    assert tracks(results) == [[1], [1], [2], [2], [3]]


def test_what_is_no_cut():
    """Pans, light, noise in the dark, and contrast."""
    image = cv2.resize(scene(0)[0], (640, 640))
    rng = np.random.default_rng(0)
    dark = image // 40
    noisy = np.clip(dark + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    for other in (np.roll(image, 12, 1), image // 2, noisy):
        before = dark if other is noisy else image
        assert scene_change(thumbnail(before), thumbnail(other)) < CUT
    pairs = [(scene(i)[0], scene(i + 1)[0]) for i in range(6)]
    changes = [scene_change(*map(thumbnail, pair)) for pair in pairs]
    assert min(changes) > CUT
    # motion that grows faster is none, but the same step between still frames is
    places = [0, 30, 75, 135, 210]
    moving = [np.roll(image, place, 1) for place in places]
    assert scene_change(*map(thumbnail, moving[-2:])) > CUT
    found = tracks([frame(i / 25, 10, image=x) for i, x in enumerate(moving)])
    assert found == [[1]] * 5
    still = [moving[-2]] * 3 + [moving[-1]]
    found = tracks([frame(i / 25, 10, image=x) for i, x in enumerate(still)])
    assert found == [[1]] * 3 + [[2]]


def test_scores_are_means_over_time():
    """An exponential mean, and a plain one as long as there are few values."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.4, 40))
    values = rng.dirichlet((1, 1), 40)
    tracker, expected = FaceTracker(), None
    for i, (time, scores) in enumerate(zip(times, values, strict=True)):
        share = 1.0
        if i:
            share = max(1 - np.exp(-(time - times[i - 1]) / SMOOTHING), 1 / (i + 1))
        expected = scores if i == 0 else share * scores + (1 - share) * expected
        (face,) = tracker.update(frame(time, 10, scores=scores)).faces
        np.testing.assert_allclose(face.scores, expected)
        np.testing.assert_array_equal(face.raw_scores, scores)
        assert face.scores.sum() == pytest.approx(1)
        assert face.label == expected.argmax()
        assert face.name == CLASSES[face.label]
    assert SMOOTHING < 1


def test_a_single_outlier_changes_no_label():
    results = [frame(i / 25, 10, scores=(0.2, 0.8)) for i in range(20)]
    results[10] = frame(10 / 25, 10, scores=(0.9, 0.1))
    for smooth in (True, False):
        tracker = FaceTracker(smooth)
        names = [tracker.update(result).faces[0].name for result in results]
        assert names.count('Sad') == (0 if smooth else 1)


def test_without_smoothing_scores_stay():
    tracker = FaceTracker(smooth=False)
    for i, scores in enumerate([(0.2, 0.8), (0.9, 0.1)]):
        result = frame(i / 25, 10, scores=scores)
        (face,) = tracker.update(result).faces
        assert face.scores is result.faces[0].scores
        assert face.raw_scores is None
        assert face.track == 1


def test_images_have_no_tracks():
    tracker = FaceTracker()
    result = frame(None, 10)
    assert tracker.update(result) is result
    error = ImageResult('v.mp4', CLASSES, error='damaged')
    assert tracker.update(error) is error


def test_each_video_starts_at_one():
    results = [frame(0, 10, 100), frame(1, 10, 100)]
    others = [frame(2, 10, source='w.mp4')]
    tracker = FaceTracker()
    assert tracks(results + results[:1] + others, tracker) == [[1, 2]] * 3 + [[1]]


class Bright:
    """Detector of bright squares, and classifier by the grey value."""

    classes = CLASSES

    def detect(self, image):
        mask = (image.max(2) > 60).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:]]
        return [Face(np.array(box, float), 1.0) for box in boxes if box[2] - box[0] > 9]

    def __call__(self, faces):
        means = np.array([face.mean() / 255 for face in faces])
        return np.stack([1 - means, means], 1)


@pytest.mark.parametrize('batch', [1, 3])
def test_videos_of_the_inferencer(tmp_path, batch):
    """A face moves right and flickers, another one appears."""
    shots = []
    dark = scene(0)[0] // 6
    for i in range(12):
        image = dark.copy()
        image[20:44, 10 + 4 * i : 34 + 4 * i] = 80 if i % 4 == 3 else 230
        if i > 7:
            image[20:44, 120:144] = 110
        shots.append(image)
    path = write_video(tmp_path / 'v.mp4', shots, rate=25)
    infer = FERInferencer(
        Bright(), faces=Bright(), margin=0, size=24, batch_frames=batch
    )
    results = list(infer.stream([path, shots[0], path]))
    assert [x.image for x in results] == [None] * 25
    for part in (results[:12], results[13:]):
        found = [[face.track for face in x.faces] for x in part]
        assert found == [[1]] * 8 + [[1, 2]] * 4
        assert {x.faces[0].name for x in part} == {'Happy'}
    assert [face.track for face in results[12].faces] == [None]
    raw = infer(path, smooth=False)
    assert [x.faces[0].name for x in raw].count('Sad') == 3
    again = list(infer.stream(path, keep_images=True))
    for one, other in zip(again, results[:12], strict=True):
        assert one.image.shape == dark.shape
        for a, b in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(a.scores, b.scores)
