"""CK+ as its archives unpack, CK+48 and ckextended.csv."""

import pytest

from mmqcs.datasets import CKPlus

pytest_plugins = 'fer_trees'

CK48 = {
    'anger': ['S010_004_00000017', 'S010_004_00000018', 'S010_004_00000019'],
    'contempt': ['S138_008_00000007', 'S138_008_00000008', 'S138_008_00000009'],
    'happy': ['S010_006_00000013', 'S010_006_00000014', 'S010_006_00000015'],
    'sadness': ['S011_002_00000020', 'S011_002_00000021', 'S011_002_00000022'],
}
# emotion of the table, class of CK+
TABLE = [
    (0, 'Anger', 'Training'),
    (1, 'Disgust', 'Training'),
    (2, 'Fear', 'PublicTest'),
    (3, 'Happy', 'PrivateTest'),
    (4, 'Sadness', 'Training'),
    (5, 'Surprise', 'Training'),
    (6, 'Neutral', 'Training'),
    (7, 'Contempt', 'PrivateTest'),
]


def names(dataset):
    return [dataset.CLASSES[label] for label in dataset.get_gt_labels()]


def subjects(dataset):
    return {dataset.get_data_info(i)['subject'] for i in range(len(dataset))}


@pytest.mark.parametrize(
    ('images', 'labels'),
    [
        ('extended-cohn-kanade-images', 'Emotion_labels'),
        ('.', 'Emotion_labels'),
        ('CK+', 'CK+'),
        ('data/CK+', 'data/CK+'),
        ('data/extended-cohn-kanade-images', 'data/Emotion_labels'),
        ('cohn-kanade-images', 'Emotion'),
    ],
)
def test_archives_in_folders_of_their_own(tmp_path, put, images, labels):
    stem = 'S005/001/S005_001_00000011'
    put(tmp_path, f'{images}/cohn-kanade-images/{stem}.png')
    put(tmp_path, f'{labels}/Emotion/{stem}_emotion.txt', text='   3.0000000e+00\n')
    dataset = CKPlus(str(tmp_path), split='all')
    assert names(dataset) == ['Disgust']
    assert subjects(dataset) == {'S005'}


def test_labels_without_the_folder_emotion(tmp_path, put):
    stem = 'S005/001/S005_001_00000011'
    put(tmp_path, f'cohn-kanade-images/{stem}.png')
    put(tmp_path, f'Emotion_labels/{stem}_emotion.txt', text='3')
    assert names(CKPlus(str(tmp_path), split='all')) == ['Disgust']


@pytest.fixture
def ck48(tmp_path, put):
    for folder, stems in CK48.items():
        put(tmp_path / 'tree', *(f'CK+48/{folder}/{stem}.png' for stem in stems))
    return tmp_path / 'tree'


@pytest.mark.parametrize('folder', ['', 'CK+48'])
def test_last_frames_of_ck48(ck48, folder, log):
    dataset = CKPlus(str(ck48 / folder), split='all')
    assert names(dataset) == ['Anger', 'Contempt', 'Happy', 'Sadness']
    paths = [dataset.get_data_info(i)['img_path'] for i in range(4)]
    assert paths[0].endswith('anger/S010_004_00000019.png')
    assert "layout 'ck48'" in log.info[-1]
    assert 'published dataset has 327 images' in log.warnings[0]
    assert len(CKPlus(str(ck48), split='all', peak_frames=3)) == 12
    assert len(CKPlus(str(ck48), split='all', peak_frames=3, num_classes=7)) == 9


@pytest.mark.parametrize('fold', range(3))
def test_subjects_of_ck48_are_divided(ck48, fold):
    train, test = (
        CKPlus(str(ck48), split=split, fold=fold, num_folds=3)
        for split in ('train', 'test')
    )
    assert subjects(test) == {('S010', 'S011', 'S138')[fold]}
    assert subjects(train) == {'S010', 'S011', 'S138'} - subjects(test)


@pytest.mark.parametrize(
    ('keywords', 'message'),
    [
        ({'peak_frames': 4}, 'S010_004.* has 3 frames, but peak_frames=4'),
        ({'neutral_frames': 1}, 'CK.48 has no neutral frames'),
    ],
)
def test_frames_that_ck48_does_not_have(ck48, keywords, message):
    with pytest.raises(ValueError, match=message):
        CKPlus(str(ck48), split='all', **keywords)


def test_a_sequence_of_ck48_in_two_classes(ck48, put):
    put(ck48, 'CK+48/fear/S010_004_00000020.png')
    with pytest.raises(
        ValueError, match=r'anger/S010_004.*fear/S010_004.*one sequence'
    ):
        CKPlus(str(ck48), split='all')


def test_a_name_of_ck48_without_a_subject(ck48, put):
    put(ck48, 'CK+48/fear/1.png')
    with pytest.raises(ValueError, match=r'fear/1.png: expected subject, sequence and'):
        CKPlus(str(ck48), split='all')


def write_table(root, rows=TABLE):
    lines = ['emotion,pixels,Usage']
    for emotion, _, usage in rows:
        pixels = ' '.join([str(10 * emotion)] * 48 * 48)
        lines.append(f'{emotion},{pixels},{usage}')
    (root / 'ckextended.csv').write_text('\n'.join(lines))
    return str(root)


@pytest.mark.parametrize(
    ('split', 'rows'),
    [('all', range(8)), ('train', (0, 1, 4, 5, 6)), ('test', (2, 3, 7))],
)
def test_table_has_its_own_order_and_split(tmp_path, log, split, rows):
    root = write_table(tmp_path)
    dataset = CKPlus(root, split=split, pipeline=[dict(type='LoadImageFromFile')])
    assert names(dataset) == [TABLE[row][1] for row in rows]
    assert [int(item['img'].mean()) for item in dataset] == [10 * row for row in rows]
    # the only warning is the one about subjects, and only if there is a split
    assert len(log.warnings) == (split != 'all')
    assert all('one subject can be in' in line for line in log.warnings)


@pytest.mark.parametrize(
    'keywords',
    [{'fold': 1}, {'num_folds': 5}, {'neutral_frames': 1}, {'peak_frames': 3}],
)
def test_arguments_that_the_table_cannot_serve(tmp_path, keywords):
    with pytest.raises(ValueError, match=r'ckextended.csv has neither sequences nor'):
        CKPlus(write_table(tmp_path), **keywords)


@pytest.mark.parametrize(
    ('row', 'fact'), [((8, '', 'Training'), '0 to 7'), ((0, '', 'Test'), "'Test'")]
)
def test_a_row_that_is_not_understood(tmp_path, row, fact):
    with pytest.raises(
        ValueError, match=rf'ckextended.csv.*line 10: expected .*{fact}'
    ):
        CKPlus(write_table(tmp_path, [*TABLE, row]), split='all')
