"""What the page computes for photographs."""

from dataclasses import replace
from threading import Lock

import cv2
import numpy as np
import pytest
import torch
from demo_case import CONFIG, KnownFaces
from faces_case import scene, write_untrained
from PIL import Image

from mmqcs.apis import FERInferencer

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr

from mmqcs.demo.messages import NAMED, summarize
from mmqcs.demo.photograph import (
    CUT_SIDE,
    SHOWN_SIDE,
    SIDE,
    WAYS,
    Photograph,
    attention_overlay,
    can_compare,
    similarity_overlays,
)
from mmqcs.faces import WholeImage

MANY, FACES = scene(0)
FIRST = [int(v) for v in FACES[0].box]
ONE = MANY[max(FIRST[1] - 25, 0) : FIRST[3] + 25, max(FIRST[0] - 25, 0) : FIRST[2] + 25]


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Several faces, one face, no face, no picture."""
    folder = tmp_path_factory.mktemp('pictures')
    for name, image in (('many', MANY), ('one', ONE), ('none', np.zeros_like(MANY))):
        cv2.imwrite(str(folder / f'{name}.png'), image)
    (folder / 'bad.png').write_text('text')
    return folder


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    torch.manual_seed(1)
    file = write_untrained(CONFIG, tmp_path_factory.mktemp('demo') / 'run.pth')
    width, height = ONE.shape[1::-1]
    inner = [(20, 20, width - 20, height - 20)]
    boxes = {(320, 320): [face.box for face in FACES], (width, height): inner}
    return Photograph(FERInferencer(file, faces=KnownFaces(boxes)), Lock())


def test_a_picture_with_faces(page, pictures):
    drawn, summary, seen, choice, scores, heat = page.analyse(
        str(pictures / 'many.png')
    )
    faces = seen.result.faces
    assert len(faces) > 1
    assert f'{len(faces)} faces' in summary
    original = cv2.imread(str(pictures / 'many.png'))[..., ::-1]
    assert drawn.shape == original.shape
    assert (drawn != original).any()
    assert choice['choices'] == [
        (f'{i}: {face.name}',) * 2 for i, face in enumerate(faces, 1)
    ] or choice['choices'] == [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
    assert max(scores, key=scores.get) == faces[0].name
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
    assert heat.shape == (SIDE, SIDE, 3)
    # another face, another answer
    again, other = page.show(seen, f'2: {faces[1].name}')
    assert again == pytest.approx(
        dict(zip(seen.result.classes, faces[1].scores.tolist(), strict=True))
    )
    assert (other != heat).any()


def test_no_face_no_picture_bad_picture(page, pictures):
    drawn, summary, _, _, scores, heat = page.analyse(str(pictures / 'none.png'))
    assert summary == 'No face was found.'
    assert drawn is not None
    assert scores is heat is None
    assert page.analyse(None)[2] is None
    with pytest.raises(gr.Error, match='the upload is not an image'):
        page.analyse(str(pictures / 'bad.png'))


def test_a_summary_names_some_of_many_faces(page, pictures):
    seen = page.look(str(pictures / 'many.png'))
    faces = seen.result.faces[:1] * 200
    summary = summarize(replace(seen.result, faces=faces))
    assert summary.startswith('**200 faces**')
    assert summary.count(faces[0].name) == NAMED


def test_upside_down(page, pictures, monkeypatch):
    class Upright(KnownFaces):
        def detect(self, image):
            # of the image turned by 180°
            found = np.array_equal(image, MANY[::-1, ::-1])
            return super().detect(image) if found else []

    monkeypatch.setattr(page.infer, 'detector', Upright(page.infer.detector.boxes))
    path = str(pictures / 'many.png')
    drawn, summary, seen, *_ = page.analyse(path)
    assert drawn is not None
    assert summary.startswith('No upright face')
    assert '180°' in summary
    with_face = replace(seen, cuts=(ONE,))
    assert '180°' in page.compare(with_face, None, path, WAYS[0])[0]


def test_of_an_animation_the_first_frame(page, pictures, tmp_path):
    shots = [Image.open(pictures / 'many.png').convert('RGB')]
    shots += [Image.new('RGB', shots[0].size, (i, 0, 0)) for i in range(40)]
    shots[0].save(tmp_path / 'x.gif', save_all=True, append_images=shots[1:])
    before = page.infer.detector.calls
    assert page.look(str(tmp_path / 'x.gif')).result.faces
    assert page.infer.detector.calls - before <= page.infer.batch_frames


def test_comparing(page, pictures):
    seen = page.look(str(pictures / 'many.png'))
    path = str(pictures / 'one.png')
    told, *agree = page.compare(seen, None, path, WAYS[0])
    assert told.startswith('First face: ')
    _, *differ = page.compare(seen, None, path, WAYS[1])
    for one, other in zip(agree, differ, strict=True):
        assert one.shape == (SIDE, SIDE, 3)
        assert (one != other).any()
    assert page.compare(seen, None, None, WAYS[0])[1:] == (None, None)
    assert 'The first image needs a face' in page.compare(None, None, path, WAYS[0])[0]
    none = str(pictures / 'none.png')
    told, *_ = page.compare(seen, None, none, WAYS[0])
    assert told == 'Second image: No face was found.'


def test_only_cross_similarity_attention_compares(page):
    assert can_compare(page.infer.classifier.model)
    assert not can_compare(torch.nn.Linear(1, 1))


def test_explanations_are_of_the_face_alone(page, pictures):
    """The same face gives the same pictures, whatever it is asked with."""
    seen = page.look(str(pictures / 'many.png'))
    first, second = seen.cuts[:2]
    classifier = page.infer.classifier
    np.testing.assert_array_equal(
        attention_overlay(classifier, first), attention_overlay(classifier, first)
    )
    left, right = similarity_overlays(classifier, first, second)
    for picture, face, other in ((left, first, second), (right, second, first)):
        shown = [
            np.corrcoef(
                picture.mean(2).ravel(),
                cv2.resize(view, (SIDE, SIDE)).mean(2).ravel(),
            )[0, 1]
            for view in classifier.views([face, other])
        ]
        assert shown[0] > shown[1]
    swapped = similarity_overlays(classifier, second, first)
    assert np.abs(left.astype(int) - swapped[1]).max() <= 1
    assert np.abs(right.astype(int) - swapped[0]).max() <= 1


def test_a_session_keeps_small_images(page, monkeypatch, tmp_path):
    large = np.full((3000, 3000, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), large)
    monkeypatch.setattr(page.infer, 'detector', WholeImage())
    drawn, _, seen, *_ = page.analyse(str(tmp_path / 'a.png'))
    assert seen.result.image is None
    assert [cut.shape for cut in seen.cuts] == [(CUT_SIDE, CUT_SIDE, 3)]
    assert drawn.shape == (SHOWN_SIDE, SHOWN_SIDE, 3)
