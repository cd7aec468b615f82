"""JAFFE and KDEF, whose file names encode subject and expression."""

import cv2
import numpy as np
import pytest

from mmqcs.datasets import JAFFE, KDEF

pytest_plugins = 'fer_trees'

FACES = {
    JAFFE: {
        'KA.AN1.39.tiff': ('KA', 'Anger'),
        'KA.DI3.44.tiff': ('KA', 'Disgust'),
        'KL.FE2.175.tiff': ('KL', 'Fear'),
        'KL.HA1.158.tiff': ('KL', 'Happy'),
        'KM.NE1.1.tiff': ('KM', 'Neutral'),
        'YM.SA3.57.tiff': ('YM', 'Sad'),
        'YM.SU2.59.tiff': ('YM', 'Surprise'),
    },
    KDEF: {
        'AF01AFS.JPG': ('F01', 'Fear'),
        'BF01ANS.JPG': ('F01', 'Anger'),
        'AF02DIS.JPG': ('F02', 'Disgust'),
        'AF02HAS.JPG': ('F02', 'Happy'),
        'BM01NES.JPG': ('M01', 'Neutral'),
        'AM01SAS.JPG': ('M01', 'Sad'),
        'AM35SUS.JPG': ('M35', 'Surprise'),
    },
}
KINDS = pytest.mark.parametrize('kind', FACES, ids=lambda kind: kind.__name__)


def found(dataset):
    """Name of each file -> its subject and class."""
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {
        info['img_path'].rpartition('/')[2]: (
            info['subject'],
            dataset.CLASSES[info['gt_label']],
        )
        for info in infos
    }


@KINDS
@pytest.mark.parametrize(
    'folder',
    ['', '{title}/', '{title}/{title}/', 'a/{title}/', '{title}/{stem}/', '{stem}/'],
)
def test_the_names_say_everything(tmp_path, put, kind, folder):
    title = kind.__name__
    for name in FACES[kind]:
        put(tmp_path, folder.format(title=title, stem=name[:4]) + name)
    assert found(kind(str(tmp_path), split='all')) == FACES[kind]


@KINDS
def test_class_folders_and_split_folders(tmp_path, put, kind):
    for i, (name, (_, label)) in enumerate(FACES[kind].items()):
        put(tmp_path, f'{("train", "test")[i % 2]}/{label.lower()}/{name}')
    assert found(kind(str(tmp_path), split='all')) == FACES[kind]


@KINDS
@pytest.mark.parametrize('suffix', ['.tif', '.png', '.jpeg', '.PNG'])
def test_converted_images(tmp_path, put, kind, suffix):
    names = {name.rpartition('.')[0] + suffix: v for name, v in FACES[kind].items()}
    put(tmp_path, *names)
    assert found(kind(str(tmp_path), split='all')) == names


@KINDS
@pytest.mark.parametrize('fold', range(4))
def test_folds_divide_the_subjects(tmp_path, put, kind, fold):
    put(tmp_path, *FACES[kind])
    subjects = sorted({subject for subject, _ in FACES[kind].values()})
    parts = {
        split: found(kind(str(tmp_path), split=split, fold=fold, num_folds=4))
        for split in ('train', 'test')
    }
    assert {subject for subject, _ in parts['test'].values()} == {subjects[fold]}
    assert subjects[fold] not in {subject for subject, _ in parts['train'].values()}
    assert parts['train'] | parts['test'] == FACES[kind]


@KINDS
def test_images_without_a_code_are_named(tmp_path, put, kind, log):
    put(tmp_path, *FACES[kind], 'AM31H.JPG', 'group photo.png', '.hidden.png')
    assert found(kind(str(tmp_path), split='all')) == FACES[kind]
    assert '2 images are left out' in log.warnings[0]
    assert 'AM31H.JPG' in log.warnings[0] and 'group photo.png' in log.warnings[0]


@KINDS
def test_an_image_in_the_folder_of_another_class(tmp_path, put, kind):
    name = next(iter(FACES[kind]))
    put(tmp_path, *(f'happy/{name}' for name in FACES[kind]))
    label = FACES[kind][name][1]
    with pytest.raises(ValueError, match=rf'happy/{name}: the name says {label}'):
        kind(str(tmp_path), split='all')


@KINDS
def test_an_image_that_is_there_twice(tmp_path, put, kind):
    name = next(iter(FACES[kind]))
    put(tmp_path, f'a/{name}', f'b/{name.rpartition(".")[0]}.png')
    with pytest.raises(ValueError, match=r'b/.*png and .*a/.* are the same image'):
        kind(str(tmp_path), split='all')


@KINDS
def test_nothing_found(tmp_path, put, kind):
    put(tmp_path, 'group photo.png')
    with pytest.raises(FileNotFoundError, match=f'{kind.__name__} not found') as error:
        kind(str(tmp_path))
    assert f'  {tmp_path}/{kind.__name__.lower()}\n' in str(error.value)


@KINDS
def test_arguments(kind):
    with pytest.raises(ValueError, match='fold from 0 to num_folds - 1, got 3 and 3'):
        kind('nowhere', fold=3, num_folds=3)


def test_jaffe_images_are_read(tmp_path):
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert cv2.imwrite(str(tmp_path / 'KA.AN1.39.tiff'), image)
    pipeline = [dict(type='LoadImageFromFile')]
    dataset = JAFFE(str(tmp_path), split='all', pipeline=pipeline)
    assert (dataset[0]['img'] == image[..., None]).all()


def test_angles_of_kdef(tmp_path, put, log):
    angles = ('FL', 'HL', 'S', 'HR', 'FR')
    put(tmp_path, *(f'AF01/AF01HA{angle}.JPG' for angle in angles))

    def read(**keywords):
        dataset = KDEF(str(tmp_path), split='all', **keywords)
        infos = [dataset.get_data_info(i) for i in range(len(dataset))]
        return {info['angle'] for info in infos}

    assert read() == {'S'}
    assert 'published dataset has 980 images' in log.warnings[0]
    log.warnings.clear()
    assert read(angles=('HL', 'S', 'HR')) == {'HL', 'S', 'HR'}
    assert read(angles=angles) == set(angles)
    assert not log.warnings  # published counts are those of frontal images


@pytest.mark.parametrize('angles', ['S', (), ('S', 'X')])
def test_unknown_angles(angles):
    with pytest.raises(ValueError, match=r'angles must be a sequence of FL, HL, S'):
        KDEF('nowhere', angles=angles)


def test_published_counts():
    assert sum(JAFFE.PUBLISHED['all']) == 213
    assert sum(KDEF.PUBLISHED['all']) == 980
