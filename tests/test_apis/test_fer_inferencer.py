"""Pictures in, faces with expressions out; detector and classifier are stand-ins."""

import io
import re

import cv2
import numpy as np
import pytest
from faces_case import overlap, scene
from PIL import Image
from test_deployment.onnx_case import describe, write_case
from video_case import write_video

from mmqcs.apis import FERInferencer, ImageError, fer_inferencer
from mmqcs.deployment import OnnxClassifier
from mmqcs.faces import ARCFACE, Face, MTCNNDetector
from mmqcs.faces.face import largest_first

CLASSES = ('dark', 'middle', 'bright')


class Brightness:
    """A classifier: the brighter the face, the higher the class."""

    classes = CLASSES

    def __init__(self):
        self.batches = []

    def __call__(self, faces):
        self.batches.append([face.shape for face in faces])
        means = np.array([face.mean() for face in faces])
        scores = np.exp(-np.abs(means[:, None] / 255 - (0, 0.5, 1)) * 8)
        return scores / scores.sum(1, keepdims=True)


class Squares:
    """A detector: squares that are not black."""

    def detect(self, image):
        mask = (image.max(2) > 0).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:]]
        return largest_first([Face(np.array(b), 1.0) for b in boxes], *mask.shape[::-1])


def picture(*greys):
    """Squares of these greys, each larger than the one before."""
    image = np.zeros((60, 60 * max(len(greys), 1), 3), np.uint8)
    for i, grey in enumerate(greys):
        image[5 : 15 + 5 * i, 60 * i + 5 : 60 * i + 15 + 5 * i] = grey
    return image


@pytest.fixture
def infer():
    return FERInferencer(Brightness(), faces=Squares(), margin=0)


def names(result):
    return [item.name for item in result.faces]


def test_all_faces_the_largest_first(infer):
    (result,) = infer(picture(10, 250, 128))
    assert names(result) == ['middle', 'bright', 'dark']
    assert [item.face.box[0] for item in result.faces] == [125, 65, 5]
    assert result.classes == CLASSES
    assert result.size == (180, 60)
    first = result.faces[0]
    assert first.label == 1
    assert first.score == pytest.approx(first.scores.max())
    assert first.scores.sum() == pytest.approx(1)


def test_kinds_of_input(infer, tmp_path):
    image = picture(250)
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), image)
    video = write_video(tmp_path / 'v.avi', 2)
    inputs = [path, str(path), path.read_bytes(), image, video]
    results = infer(inputs)
    assert [r.source for r in results] == [
        *(str(path), str(path), 'bytes 2', 'array 3'),
        *(str(video), str(video)),
    ]
    assert [names(r) for r in results[:4]] == [['bright']] * 4
    assert [r.index for r in results] == [None] * 4 + [0, 1]
    assert len(infer(tmp_path)) == 3  # the picture and two frames
    assert len(infer([video, image], every=2)) == 2


def test_faces_of_several_pictures_share_a_batch(infer):
    images = [picture(10, 250), picture(), picture(128), picture(250)]
    results = infer(images)
    assert [names(r) for r in results] == [
        ['bright', 'dark'],
        [],
        ['middle'],
        ['bright'],
    ]
    assert [len(batch) for batch in infer.classifier.batches] == [4]
    infer.batch_frames = 2
    again = infer(images)
    assert [names(r) for r in again] == [names(r) for r in results]
    assert [len(batch) for batch in infer.classifier.batches[1:]] == [2, 2]


def test_no_face(infer):
    (result,) = infer(picture())
    assert result.faces == ()
    assert result.error is None
    assert infer.classifier.batches == []


def test_what_cannot_be_read(infer, tmp_path):
    (tmp_path / 'bad.png').write_text('text')
    inputs = [picture(250), tmp_path / 'bad.png', picture(10)]
    with pytest.raises(ValueError, match=r'bad\.png is not an image'):
        infer(inputs)
    with pytest.raises(FileNotFoundError):
        infer(tmp_path / 'none.png')
    results = list(infer.stream(inputs))
    assert [names(r) for r in results] == [['bright'], [], ['dark']]
    assert 'bad.png is not an image' in results[1].error
    assert results[1].size is None
    with pytest.raises(ValueError, match='on_error must be'):
        list(infer.stream(inputs, on_error='skip'))


def test_a_stream_holds_few_pictures(infer, monkeypatch):
    """Pictures are read as results are taken, never more than a batch ahead."""
    read = []

    def frames(item, number, every):
        read.append(number)
        yield Frame('x', picture(250))

    from mmqcs.media.frames import Frame

    monkeypatch.setattr(fer_inferencer, 'frames', frames)
    infer.batch_frames = 3
    stream = infer.stream([picture()] * 50)
    for taken in range(12):
        result = next(stream)
        assert result.image is None
        assert len(read) <= taken + 3


def test_images_are_kept_on_demand(infer):
    image = picture(10)
    (result,) = infer.stream(image, keep_images=True)
    assert result.image is image


def test_to_dict(infer):
    record = infer(picture(250))[0].to_dict()
    assert record['size'] == (60, 60)
    (face,) = record['faces']
    assert face['box'] == [5, 5, 15, 15]
    assert face['points'] is None
    assert face['name'] == 'bright'
    assert list(face['scores']) == list(CLASSES)
    assert sum(face['scores'].values()) == pytest.approx(1, abs=1e-5)


def test_whole_pictures_reach_the_classifier_untouched():
    infer = FERInferencer(Brightness(), faces='none')
    image = picture(1, 2)
    infer([image])
    assert infer.classifier.batches == [[image.shape]]


def test_faces_with_points_are_aligned():
    class Pointed:
        def detect(self, image):
            return [Face(np.array([0.0, 0, 40, 40]), 1.0, ARCFACE * 40 - 0.5)]

    infer = FERInferencer(Brightness(), faces=Pointed(), size=64)
    infer(picture(10))
    assert infer.classifier.batches == [[(64, 64, 3)]]


def test_mtcnn_is_the_default_on_the_device_that_is_given():
    infer = FERInferencer(Brightness(), device='cpu')
    assert isinstance(infer.detector, MTCNNDetector)
    assert infer.detector.device.type == 'cpu'
    image, truth = scene(0)
    (result,) = infer(image)
    assert len(result.faces) == len(truth)
    for item in result.faces:
        assert max(overlap(item.face.box, face.box) for face in truth) > 0.3


class Batches(Squares):
    """Counts the images of each call, and cannot search a bright one."""

    def __init__(self):
        self.calls = []

    def detect(self, image):
        return self.detect_batch([image])[0]

    def detect_batch(self, images):
        self.calls.append(len(images))
        if any(image.min() == 255 for image in images):
            raise cv2.error('too bright')
        return [super(Batches, self).detect(image) for image in images]


def test_faces_of_a_batch_are_searched_together(tmp_path):
    infer = FERInferencer(Brightness(), faces=Batches(), margin=0, batch_frames=3)
    images = [picture(250), picture(), picture(10, 128), picture(128)]
    (tmp_path / 'bad.png').write_text('text')
    results = list(infer.stream([images[0], tmp_path / 'bad.png', *images[1:]]))
    assert [names(r) for r in results] == [
        *(['bright'], [], [], ['middle', 'dark'], ['middle'])
    ]
    # the picture without a face is also searched in three orientations
    assert infer.detector.calls == [2, 1, 1, 1, 2]


def test_one_image_of_a_batch_that_cannot_be_searched():
    infer = FERInferencer(Brightness(), faces=Batches(), margin=0)
    white = np.full((20, 20, 3), 255, np.uint8)
    results = list(infer.stream([picture(250), white, picture(10)]))
    assert [names(r) for r in results] == [['bright'], [], ['dark']]
    assert 'array 1: faces cannot be found in 20 x 20 pixels' in results[1].error


@pytest.mark.parametrize(
    ('turns', 'words'),
    [(2, 'by 180°'), (1, 'by 90° to the right'), (3, 'by 90° to the left')],
)
def test_an_image_that_is_not_upright_is_not_classified(turns, words):
    infer = FERInferencer(Brightness(), device='cpu')
    image, truth = scene(4)
    assert infer(image)[0].note is None
    turned = np.ascontiguousarray(np.rot90(image, turns))
    upright, other = infer([image, turned])
    assert len(upright.faces) == len(truth)
    assert other.faces == ()
    count = '1 face' if len(truth) == 1 else f'{len(truth)} faces'
    assert other.note == f'no upright face; {count} if the image is turned {words}'
    assert other.to_dict()['note'] == other.note


def test_frames_of_a_video_are_not_turned(tmp_path):
    infer = FERInferencer(Brightness(), faces=Batches())
    infer(write_video(tmp_path / 'v.avi', count=3))
    assert infer.detector.calls == [3]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(faces='magic'), "faces must be 'mtcnn', 'none' or a detector"),
        (dict(margin=-1), 'margin must be ≥ 0, got -1'),
        (dict(size=0), 'size must be at least 1, got 0'),
        (dict(batch_frames=0), 'batch_frames must be at least 1, got 0'),
        (dict(template=[(1, 2)]), 'a face template is five'),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        FERInferencer(Brightness(), **{'faces': 'none', **options})


def test_every_must_be_positive(infer):
    with pytest.raises(ValueError, match='every must be at least 1, got 0'):
        infer(picture(), every=0)


def test_an_exported_file_brings_its_classes_and_template(tmp_path):
    template = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.4, 0.8), (0.6, 0.8))
    text = describe(face_template=template).to_json()
    path = write_case(tmp_path / 'a.onnx', text)
    image = scene(0)[0]
    for model in (path, OnnxClassifier(path)):
        infer = FERInferencer(model, faces='none', batch_size=2)
        np.testing.assert_array_equal(infer.template, template)
        (result,) = infer(image)
        assert result.classes == infer.classes == OnnxClassifier(path).classes
        cut = infer.cut(image, result.faces[0].face)
        (scores,) = OnnxClassifier(path)([cut])
        np.testing.assert_array_equal(result.faces[0].scores, scores)
    plain = FERInferencer(write_case(tmp_path / 'b.onnx'), faces='none')
    np.testing.assert_array_equal(plain.template, ARCFACE)
    with pytest.raises(ValueError, match='holds its weights: leave out the checkp'):
        FERInferencer(path, 'c.pth', faces='none')
    with pytest.raises(ValueError, match='runs on the CPU; for cuda:1 give an Onnx'):
        FERInferencer(path, faces='none', device='cuda:1')
    with pytest.raises(FileNotFoundError, match='none.onnx is not a file'):
        FERInferencer('none.onnx', faces='none')


def test_objects_and_wildcards(infer, tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), picture(250))
    content = path.read_bytes()
    with path.open('rb') as file, Image.open(path) as image:
        given = [io.BytesIO(content), file, image, bytearray(content), picture(250)]
        results = infer(x for x in given)
        assert [names(r) for r in results] == [['bright']] * 5
        assert [r.source for r in results] == [
            *('file 0', 'file 1', 'image 2', 'bytes 3', 'array 4')
        ]
        assert names(infer(image)[0]) == ['bright']
    assert names(infer(f'{tmp_path}/*.png')[0]) == ['bright']
    for wrong in ('https://example.org/a.jpg', f'{tmp_path}/*.gif'):
        with pytest.raises((ImageError, FileNotFoundError), match=re.escape(wrong)):
            infer(wrong)
    with pytest.raises(TypeError, match='got float'):
        infer([picture(250), 1.5])


def test_what_is_left_out_of_a_folder_is_told(infer, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), picture(250))
    (tmp_path / 'notes.txt').write_text('text')
    with pytest.warns(UserWarning, match=r'1 file of unknown format \(1 \.txt\)'):
        (result,) = infer(tmp_path)
    assert names(result) == ['bright']


def test_large_images_do_not_wait_for_others(infer, monkeypatch):
    monkeypatch.setattr(fer_inferencer, 'BATCH_PIXELS', 60 * 60 * 2)
    results = infer([picture(250)] * 5)
    assert [names(r) for r in results] == [['bright']] * 5
    assert [len(batch) for batch in infer.classifier.batches] == [2, 2, 1]


def test_an_image_that_opencv_cannot_search(infer, monkeypatch):
    """For example, it warps no image with a side of more than 32,767 pixels."""
    detect = infer.detector.detect

    def fail(image):
        if len(image) == 9:
            raise cv2.error('a reason')
        return detect(image)

    monkeypatch.setattr(infer.detector, 'detect', fail)
    inputs = [picture(250), np.zeros((9, 10, 3), np.uint8), picture(10)]
    results = list(infer.stream(inputs))
    assert [names(r) for r in results] == [['bright'], [], ['dark']]
    assert 'array 1: faces cannot be found in 10 x 9 pixels' in results[1].error
    with pytest.raises(ImageError, match='array 1'):
        infer(inputs)
