import pytest

from mmqcs.datasets import CKPlus

pytest_plugins = 'fer_trees'

SEQUENCES = {
    'S005/001': 3,
    'S005/002': None,  # not labelled
    'S010/001': 2,
    'S010/004': 7,
    'S011/001': 1,
    'S022/003': 5,
}


@pytest.fixture
def root(tmp_path, put):
    for sequence, label in SEQUENCES.items():
        name = sequence.replace('/', '_')
        frames = [f'{name}_{i:08d}.png' for i in range(1, 5)]
        put(tmp_path, *(f'cohn-kanade-images/{sequence}/{frame}' for frame in frames))
        put(tmp_path, f'cohn-kanade-images/{sequence}/.DS_Store')
        (tmp_path / 'Emotion' / sequence).mkdir(parents=True)
        if label is not None:
            file = f'Emotion/{sequence}/{name}_00000004_emotion.txt'
            put(tmp_path, file, text=f'   {label}.0000000e+00\n')
    return str(tmp_path)


def names(dataset):
    paths = (dataset.get_data_info(i)['img_path'] for i in range(len(dataset)))
    return [path.rpartition('/')[2] for path in paths]


def test_peak_frames_of_the_labelled_sequences(root, log):
    dataset = CKPlus(root, split='all')
    assert dataset.get_gt_labels().tolist() == [3, 2, 7, 1, 5]
    assert names(dataset)[0] == 'S005_001_00000004.png'
    assert dataset.test_mode
    assert 'published dataset has 327 images (Neutral 0, Anger 45,' in log.warnings[0]


def test_neutral_frames(root, log):
    dataset = CKPlus(root, split='all', peak_frames=2, neutral_frames=1)
    assert dataset.get_gt_labels().tolist()[:3] == [0, 3, 3]
    assert [int(name[9:17]) for name in names(dataset)[:3]] == [1, 3, 4]
    assert not log.warnings


@pytest.mark.parametrize('num_folds', [2, 3, 4])
def test_folds_divide_the_subjects(root, num_folds):
    tested = []
    for fold in range(num_folds):
        train, test = (
            names(CKPlus(root, split=split, fold=fold, num_folds=num_folds))
            for split in ('train', 'test')
        )
        assert not {name[:4] for name in train} & {name[:4] for name in test}
        assert len(train) + len(test) == 5
        tested += test
    assert sorted(tested) == sorted(names(CKPlus(root, split='all')))


def test_without_contempt(root):
    dataset = CKPlus(root, split='all', num_classes=7)
    assert 'Contempt' not in dataset.CLASSES
    assert [dataset.CLASSES[i] for i in dataset.get_gt_labels()] == [
        'Disgust',
        'Surprise',
        'Anger',
        'Happy',
    ]


@pytest.mark.parametrize(
    ('keywords', 'message'),
    [
        ({'peak_frames': 0}, 'peak_frames must be ≥ 1'),
        ({'neutral_frames': -1}, 'neutral_frames ≥ 0'),
        ({'fold': 10}, 'fold from 0 to num_folds - 1'),
        ({'num_folds': 1}, 'num_folds must be ≥ 2'),
        (
            {'peak_frames': 4, 'neutral_frames': 1},
            'has 4 frames, .*=1 and peak_frames=4',
        ),
    ],
)
def test_wrong_arguments(root, keywords, message):
    with pytest.raises(ValueError, match=message):
        CKPlus(root, **keywords)


@pytest.mark.parametrize('text', ['', 'happy', '1.5', 'nan', 'inf'])
def test_a_label_that_is_no_number(root, put, text):
    file = 'Emotion/S005/001/S005_001_00000004_emotion.txt'
    put(root, file, text=text)
    with pytest.raises(ValueError, match='S005_001_00000004_emotion.txt line 1: '):
        CKPlus(root, split='all')


@pytest.mark.parametrize('text', ['1_0', '+3', '٣', '3 4', '3\n4', '-1', '\0'])
def test_labels_that_are_not_understood(root, put, text):
    file = 'Emotion/S005/001/S005_001_00000004_emotion.txt'
    put(root, file, text=text)
    with pytest.raises(ValueError, match='S005_001_00000004_emotion.txt line 1: '):
        CKPlus(root, split='all')


def test_two_labels_of_one_sequence(root, put):
    put(root, 'Emotion/S005/001/S005_001_00000003_emotion.txt', text='1')
    with pytest.raises(ValueError, match=r'4_emotion.txt: .* Disgust, .*3_emotion.txt'):
        CKPlus(root, split='all')


def test_a_label_out_of_range(root, put):
    put(root, 'Emotion/S005/001/S005_001_00000004_emotion.txt', text='8.0')
    with pytest.raises(ValueError, match=r'emotion.txt line 1: .* 0 to 7, got .8.0'):
        CKPlus(root, split='all')


def test_a_sequence_without_images(root, put):
    put(root, 'Emotion/S999/001/S999_001_00000004_emotion.txt', text='1')
    with pytest.raises(FileNotFoundError, match=r'S999/001, but it has no images'):
        CKPlus(root, split='all')


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='CK\\+ not found') as error:
        CKPlus(str(tmp_path))
    assert f'  {tmp_path}/Emotion\n' in str(error.value)
