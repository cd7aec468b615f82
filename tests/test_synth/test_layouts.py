"""Every layout: the dataset that it stands for reads the rendered faces."""

import functools
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmqcs.datasets import (
    CAERS,
    FER2013,
    JAFFE,
    KDEF,
    RAFDB,
    AffectNet,
    CKPlus,
    ExpW,
    FERPlus,
)
from mmqcs.expressions import expression
from mmqcs.synth import CLASSES, SynthFERSettings, labels, render
from mmqcs.synth.folders import FOLDER_WRITERS

pytest_plugins = 'program_runner'

CONVERTER = Path(__file__).parents[2] / 'tools/dataset_converters/synth_fer.py'
COUNTS = {'train': 20, 'test': 9}
SIZE = 64
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmqcs.CropFace')]

# the dataset and its name for the layout
READERS = {
    'rafdb': (RAFDB, 'official'),
    'fer2013': (FER2013, 'folders'),
    'fer2013-csv': (FER2013, 'csv'),
    'ferplus': (FERPlus, 'fer2013new.csv'),
    'affectnet': (AffectNet, 'csv'),
    'affectnet2021': (AffectNet, '2021'),
    'caer-s': (CAERS, 'folders'),
    'ck-plus': (CKPlus, 'sequences'),
    'expw': (ExpW, 'list'),
    'jaffe': (JAFFE, 'names'),
    'kdef': (KDEF, 'names'),
}
WITH_CONTEMPT = [
    name for name, (kind, _) in READERS.items() if len(kind.METAINFO['classes']) == 8
]
CASES = [(name, 7) for name in READERS] + [(name, 8) for name in WITH_CONTEMPT]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('MMQCS_CACHE_DIR', str(tmp_path / 'cache'))


@pytest.fixture
def write(run, tmp_path):
    """Render the faces in a layout, and return its root."""

    def write(layout: str, classes: int) -> str:
        sizes = [('--train', COUNTS['train']), ('--test', COUNTS['test'])]
        options = [('--layout', layout), ('--classes', classes), ('--image-size', SIZE)]
        done = run(
            CONVERTER,
            tmp_path / 'out',
            *(word for option in (*sizes, *options) for word in option),
            *('--workers', 1),
        )
        assert done.returncode == 0, done.stderr
        return str(tmp_path / 'out')

    return write


@functools.cache
def faces(classes: int, split: str) -> list[np.ndarray]:
    settings = SynthFERSettings(num_classes=classes, image_size=SIZE)
    return [render(settings, split, i) for i in range(COUNTS[split])]


def difference(image: np.ndarray, face: np.ndarray) -> float:
    """Mean square difference of grey values where the face fits the image best."""
    image, face = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (image, face))
    side = min(SIZE, len(image))
    face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.matchTemplate(image, face, cv2.TM_SQDIFF).min() / side**2


def test_every_layout_is_tested():
    assert set(READERS) == set(FOLDER_WRITERS)


@pytest.mark.parametrize(('layout', 'classes'), CASES)
def test_the_dataset_reads_it(write, layout, classes):
    root = write(layout, classes)
    kind, name = READERS[layout]
    settings = SynthFERSettings(num_classes=classes, image_size=SIZE)
    for split, count in COUNTS.items():
        own_split = 'val' if kind is AffectNet and split == 'test' else split
        data = kind(root, split=own_split, num_classes=classes, pipeline=PIPELINE)
        assert data.found.layout.name == name
        assert data.found.others == ()
        assert len(data) == count
        own_labels = labels(settings, split, count)
        seen = []
        for item in data:
            differences = [difference(item['img'], f) for f in faces(classes, split)]
            seen.append(int(np.argmin(differences)))
            assert differences[seen[-1]] < 25  # JPEG; other faces: hundreds
            drawn = CLASSES[own_labels[seen[-1]]]
            read = data.CLASSES[item['gt_label']]
            assert expression(read) == expression(drawn)
        assert sorted(seen) == list(range(count))


@pytest.mark.parametrize('layout', sorted(set(READERS) - set(WITH_CONTEMPT)))
def test_contempt_is_refused_where_there_is_none(run, tmp_path, layout):
    out = tmp_path / 'out'
    done = run(CONVERTER, out, '--layout', layout, '--classes', 8, '--train', 1)
    assert done.returncode == 2
    assert f'--layout {layout} does not fit --classes 8' in done.stderr
    assert 'has no class for Contempt' in done.stderr
    assert not out.exists()


def test_frames_of_caer_s_hold_the_face_unchanged(write):
    root = Path(write('caer-s', 7))
    frames = sorted(root.glob('CAER-S/test/*/0003.png'))
    assert len(frames) == 1
    frame = cv2.imread(str(frames[0]))
    assert frame.shape == (128, 224, 3)
    found = {split: labels(SynthFERSettings(), split, n) for split, n in COUNTS.items()}
    writer = FOLDER_WRITERS['caer-s'](found, SynthFERSettings(image_size=SIZE))
    x, y = writer.corner('test', 2)
    np.testing.assert_array_equal(
        frame[y : y + SIZE, x : x + SIZE], faces(7, 'test')[2]
    )
    corners = [writer.corner('train', i)[0] for i in range(200)]
    assert min(corners) < 16 and max(corners) > 144  # of 0 to 160


def test_first_frames_of_ck_plus_are_neutral(write):
    root = write('ck-plus', 8)
    data = CKPlus(root, split='test', neutral_frames=1, pipeline=PIPELINE)
    settings = SynthFERSettings(num_classes=8, image_size=SIZE)
    neutral = [render(settings, 'test', i, CLASSES.index('Neutral')) for i in range(9)]
    assert len(data) == 18
    first = [data[i] for i in range(0, 18, 2)]
    assert {item['gt_label'] for item in first} == {0}
    seen = [np.argmin([difference(i['img'], n) for n in neutral]) for i in first]
    assert sorted(seen) == list(range(9))


@pytest.mark.parametrize(
    ('train', 'test'),
    [(28, 14), (27, 3), (27, 4), (9, 1), (9, 9), (100, 2), (1, 30), (1200, 130)],
)
def test_fold_of_ck_plus_is_the_split_of_synth_fer(tmp_path, train, test):
    settings = SynthFERSettings()
    counts = {'train': train, 'test': test}
    found = {split: labels(settings, split, count) for split, count in counts.items()}
    writer = FOLDER_WRITERS['ck-plus'](found, settings)
    images = list(writer.images())
    assert len({image.path for image in images}) == 2 * (train + test)
    for image in images:
        path = tmp_path / image.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    writer.write_labels(tmp_path)
    for split, count in counts.items():
        data = CKPlus(str(tmp_path), split=split)
        paths = {data.get_data_info(i)['img_path'] for i in range(len(data))}
        assert len(data) == count
        assert paths == {str(tmp_path / writer.path(split, i)) for i in range(count)}
    assert len(CKPlus(str(tmp_path), split='all')) == train + test


FOLDED = {'ck-plus': CKPlus, 'expw': ExpW, 'jaffe': JAFFE, 'kdef': KDEF}


@pytest.mark.parametrize('name', FOLDED)
@pytest.mark.parametrize(
    ('train', 'test'),
    [(28, 14), (27, 3), (9, 1), (9, 9), (100, 2), (900, 120), (30, 0)],
)
def test_fold_0_is_the_split_of_synth_fer(tmp_path, name, train, test):
    settings = SynthFERSettings()
    counts = {'train': train, 'test': test}
    found = {split: labels(settings, split, n) for split, n in counts.items()}
    writer = FOLDER_WRITERS[name](found, settings)
    paths = [image.path for image in writer.images()]
    assert len(set(paths)) == len(paths)
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    writer.write_labels(tmp_path)
    groups = {
        split: {writer.place(split, i)[0] for i in range(n)}
        for split, n in counts.items()
    }
    assert not groups['train'] & groups['test']
    if not test:
        return
    for split, count in counts.items():
        data = FOLDED[name](str(tmp_path), split=split)
        assert len(data) == count
        read = {data.get_data_info(i)['img_path'] for i in range(count)}
        assert read == {str(tmp_path / writer.path(split, i)) for i in range(count)}
        assert sorted(data.get_gt_labels().tolist()) == sorted(
            writer.number(split, i) for i in range(count)
        )


def test_kdef_with_too_many_faces_to_test_on():
    found = {split: labels(SynthFERSettings(), split, 30) for split in COUNTS}
    found['train'] = found['train'][:1]
    with pytest.raises(ValueError, match=r'two images per subject.* 1 training and 30'):
        FOLDER_WRITERS['kdef'](found, SynthFERSettings())


def test_an_image_of_expw_shows_several_people(write):
    root = write('expw', 7)
    data = ExpW(root, split='test')
    infos = [data.get_data_info(i) for i in range(len(data))]
    assert len({info['img_path'] for info in infos}) < len(infos)
    boxes = {(info['img_path'], tuple(info['bbox'])) for info in infos}
    assert len(boxes) == len(infos)


def test_ck_plus_without_faces_to_test_on():
    settings = SynthFERSettings()
    found = {'train': labels(settings, 'train', 40), 'test': np.array([], int)}
    writer = FOLDER_WRITERS['ck-plus'](found, settings)
    subjects = {writer.path('train', i).parts[1] for i in range(40)}
    assert len(subjects) == 40
