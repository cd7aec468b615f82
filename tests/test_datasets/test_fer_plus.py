import numpy as np
import pytest
import torch
from conftest import ROOT

from mmqcs.datasets import FERPlus
from mmqcs.datasets.fer_plus import majority
from mmqcs.datasets.readers.listings import FolderNames

pytest_plugins = 'fer_trees'

USAGES = ('Training', 'PublicTest', 'PrivateTest')
SPLITS = ('train', 'val', 'test')
FOLDERS = ('FER2013Train', 'FER2013Valid', 'FER2013Test')
HEADER = (
    'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,'
    'unknown,NF'
)
# class that wins, or -1, and the votes
EXAMPLES = [
    (0, [6, 0, 1, 1, 0, 0, 0, 0, 2, 0]),  # 6 of 8: the two single votes do not count
    (-1, [4, 0, 0, 1, 3, 2, 0, 0, 0, 0]),  # 4 of 9
    (-1, [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]),  # half is not more than half
    (7, [0, 0, 0, 0, 0, 0, 0, 6, 4, 0]),
    (-1, [2, 0, 0, 0, 0, 0, 0, 0, 8, 0]),  # unknown wins
    (-1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]),  # no face
    (-1, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),  # nothing is left
    (3, [1, 1, 1, 3, 1, 1, 1, 1, 0, 0]),  # 3 of 3
]


@pytest.mark.parametrize(('expected', 'votes'), EXAMPLES)
def test_majority(expected, votes):
    assert majority(np.array([votes])).tolist() == [expected]


def brute_force(votes):
    """The rule again, in words of Python."""
    counted = [v if v != 1 else 0 for v in votes]
    for i, v in enumerate(counted):
        if v > sum(counted) / 2:
            return i if i < 8 else -1
    return -1


def test_majority_by_brute_force():
    rng = np.random.default_rng(0)
    votes = rng.multinomial(
        10, [0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]
    )
    votes = np.concatenate([votes[None], rng.multinomial(10, votes / 10, 500)])
    assert majority(votes).tolist() == [brute_force(v) for v in votes.tolist()]


@pytest.fixture(scope='module')
def real(tmp_path_factory):
    """All label files of FERPlus, written from the compact copy; no images."""
    data = np.load(ROOT / 'tests/data/ferplus/votes.npz', allow_pickle=False)
    root = tmp_path_factory.mktemp('ferplus')
    votes = data['votes'].T.tolist()
    rows = list(
        zip(data['usage'].tolist(), data['number'].tolist(), votes, strict=True)
    )
    names = {n: f'fer{n:07d}.png' if n >= 0 else '' for _, n, _ in rows}
    lines = [f'{USAGES[u]},{names[n]},{",".join(map(str, v))}' for u, n, v in rows]
    (root / 'fer2013new.csv').write_text('\n'.join([HEADER, *lines]))

    images = {n: (u, v) for u, n, v in rows if n >= 0}
    changed = zip(
        data['changed'].tolist(), data['changed_votes'].T.tolist(), strict=True
    )
    images.update({n: (images[n][0], v) for n, v in changed})
    for usage, folder in enumerate(FOLDERS):
        (root / folder).mkdir()
        lines = [
            f'{names[n]},"(0, 0, 48, 48)",{",".join(map(str, v))}'
            for n, (u, v) in sorted(images.items())
            if u == usage
        ]
        (root / folder / 'label.csv').write_text('\n'.join(lines))
    return root


@pytest.fixture
def all_images_there(monkeypatch):
    """As if the images had been written: the listing of a folder has any name."""

    class Everything:
        def __contains__(self, name):
            return True

    monkeypatch.setattr(FolderNames, 'names', lambda self, folder: Everything())


@pytest.mark.parametrize(
    ('label_file', 'totals'),
    [('fer2013new.csv', (25_060, 3_199, 3_153)), ('label.csv', (25_045, 3_191, 3_137))],
)
@pytest.mark.usefixtures('all_images_there')
def test_counts_of_the_real_labels(real, log, label_file, totals):
    for split, folder, total in zip(SPLITS, FOLDERS, totals, strict=True):
        dataset = FERPlus(str(real), split=split, layout=label_file)
        assert len(dataset) == total
        assert dataset.metainfo['label_file'] == label_file
        assert f'/{folder}/fer' in dataset.get_data_info(0)['img_path']
    assert not log.warnings  # also the counts a class are the published ones


@pytest.mark.usefixtures('all_images_there')
def test_counts_a_class_of_the_real_training_set(real):
    labels = FERPlus(str(real)).get_gt_labels()
    expected = [8740, 7287, 3149, 3014, 2100, 119, 532, 119]
    assert np.bincount(labels).tolist() == expected


@pytest.mark.usefixtures('all_images_there')
def test_soft_labels_of_the_real_validation_set(real):
    dataset = FERPlus(str(real), split='val', soft_labels=True)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    scores = np.stack([info['gt_score'] for info in infos])
    assert scores.shape == (3199, 8)
    assert np.allclose(scores.sum(axis=1), 1)
    assert (scores.argmax(axis=1) == dataset.get_gt_labels()).all()


@pytest.mark.usefixtures('all_images_there')
def test_label_of_a_known_row(real):
    """Files are found by name: from row 60 on it is not the number of the row."""
    dataset = FERPlus(str(real))
    infos = (dataset.get_data_info(i) for i in range(60))
    labels = {info['img_path'][-14:]: info['gt_label'] for info in infos}
    assert labels['fer0000058.png'] == 0
    assert labels['fer0000060.png'] == 2
    assert labels['fer0000061.png'] == 1
    assert 'fer0000000.png' not in labels  # no winner


@pytest.fixture
def root(tmp_path, put):
    """Eight training images, of which three have a class."""
    rows = [
        f'fer{i:07d}.png,{",".join(map(str, v))}' for i, (_, v) in enumerate(EXAMPLES)
    ]
    lines = [HEADER, *(f'Training,{row}' for row in rows)]
    lines.append('Training,,0,0,0,0,0,0,0,0,0,10')  # no image
    lines.append(f'PublicTest,fer0000100.png,{",".join(map(str, EXAMPLES[0][1]))}')
    put(tmp_path, 'fer2013new.csv', text='\r\n'.join(lines))
    for i, (label, _) in enumerate(EXAMPLES):
        if label >= 0:
            put(tmp_path, f'FER2013Train/fer{i:07d}.png', value=i)
    put(tmp_path, 'FER2013Valid/fer0000100.png')
    return tmp_path


PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def test_images_and_labels(root, log):
    dataset = FERPlus(str(root), pipeline=PIPELINE)
    assert dataset.get_gt_labels().tolist() == [0, 7, 3]
    assert [int(dataset[i]['inputs'].max()) for i in range(3)] == [0, 3, 7]
    assert len(FERPlus(str(root), split='val')) == 1
    assert "layout 'fer2013new.csv'" in log.info[0]
    assert 'published dataset has 25,060' in log.warnings[0]


def test_soft_labels(root):
    dataset = FERPlus(str(root), pipeline=PIPELINE, soft_labels=True)
    sample = dataset[0]['data_samples']
    expected = torch.tensor([6, 0, 1, 1, 0, 0, 0, 0]) / 8  # without 2 unknown
    assert torch.allclose(sample.gt_score, expected)
    assert sample.gt_label.tolist() == [0]
    assert torch.allclose(dataset[1]['data_samples'].gt_score[7], torch.tensor(1.0))


def test_soft_labels_in_another_order_and_without_contempt(root):
    own = FERPlus(str(root), soft_labels=True)
    common = FERPlus(str(root), soft_labels=True, label_order='common', num_classes=7)
    assert len(common) == 2  # one image shows contempt
    first, second = (common.get_data_info(i) for i in range(2))
    # in the common order Sad is 2, Surprise 3 and Contempt missing
    assert np.allclose(first['gt_score'], np.array([6, 0, 1, 1, 0, 0, 0]) / 8)
    assert second['gt_label'] == 2
    assert np.allclose(second['gt_score'], np.array([1, 1, 3, 1, 1, 1, 1]) / 9)
    assert np.allclose(own.get_data_info(2)['gt_score'].sum(), 1)


@pytest.mark.parametrize('folder', ['data/FER2013Train', 'img'])
def test_other_places_of_the_images(root, folder):
    (root / folder).parent.mkdir(exist_ok=True)
    (root / 'FER2013Train').rename(root / folder)
    path = FERPlus(str(root)).get_data_info(0)['img_path']
    assert path == str(root / folder / 'fer0000000.png')


def test_doubled_folder_of_the_images(root):
    (root / 'FER2013Train').rename(root / 'moved')
    (root / 'FER2013Train').mkdir()
    (root / 'moved').rename(root / 'FER2013Train/FER2013Train')
    path = FERPlus(str(root)).get_data_info(0)['img_path']
    assert path == str(root / 'FER2013Train/FER2013Train/fer0000000.png')


@pytest.mark.parametrize('folder', ['', 'data/'])
def test_label_csv(tmp_path, put, folder):
    rows = [
        f'fer{i:07d}.png,"(0, 0, 48, 48)",{",".join(map(str, v))}'
        for i, (_, v) in enumerate(EXAMPLES)
    ]
    put(tmp_path, f'{folder}FER2013Test/label.csv', text='\n'.join(rows))
    put(tmp_path, *(f'{folder}FER2013Test/fer000000{i}.png' for i in (0, 3, 7)))
    dataset = FERPlus(str(tmp_path), split='test')
    assert dataset.get_gt_labels().tolist() == [0, 7, 3]
    assert dataset.metainfo['label_file'] == 'label.csv'


@pytest.mark.parametrize('folder', ['img/', ''])
def test_lists(tmp_path, put, folder, log):
    text = 'fer0000001.png 7\r\nfer0000002.png 0'
    put(tmp_path, 'ferplus_training.txt', text=text)
    put(tmp_path, 'ferplus_test.txt', text='fer0000003.png 2')
    put(tmp_path, *(f'{folder}fer000000{i}.png' for i in (1, 2, 3)))
    dataset = FERPlus(str(tmp_path))
    assert dataset.get_gt_labels().tolist() == [7, 0]
    assert dataset.metainfo['label_file'] == 'ferplus_training.txt'
    assert FERPlus(str(tmp_path), split='test').get_gt_labels().tolist() == [2]
    assert not log.warnings
    with pytest.raises(FileNotFoundError, match='the val split'):
        FERPlus(str(tmp_path), split='val')
    with pytest.raises(ValueError, match='soft_labels needs votes'):
        FERPlus(str(tmp_path), soft_labels=True)


def test_missing_images_of_classes_only(root):
    (root / 'FER2013Train/fer0000003.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'line 5 .*fer0000003.png.*\(1 of 3'):
        FERPlus(str(root))


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('Training,a.png,1,2', 'line 11: expected a name and ten'),
        ('Training,a.png,5', 'line 11: expected a name and ten'),
        ('Training', 'line 11: expected a name and ten'),
        ('Training,a.png,x,0,0,0,0,0,0,0,0,0', 'line 11: expected a name and ten'),
    ],
)
def test_broken_rows(root, row, message):
    with (root / 'fer2013new.csv').open('a', newline='') as file:
        file.write(f'\r\n{row}')
    with pytest.raises(ValueError, match=message.replace('11', '12')):
        FERPlus(str(root))


@pytest.mark.parametrize(
    ('row', 'line'),
    [
        ('training,a.png,9,1,0,0,0,0,0,0,0,0', 12),
        ('"Training,a.png,9,1,0,0,0,0,0,0,0,0', 12),
        ('PublicTest,a.png,-5,1,0,0,0,0,0,0,0,0', 12),
        ('PublicTest,a.png,1_0,1,0,0,0,0,0,0,0,0', 12),
        ('Training,a.png,11,0,0,0,0,0,0,0,0,0', 12),
        ('Training,../a.png,9,1,0,0,0,0,0,0,0,0', 12),
        ('Training,fer0000000.png,0,9,1,0,0,0,0,0,0,0', 12),
    ],
)
def test_rows_that_are_not_understood(root, row, line):
    with (root / 'fer2013new.csv').open('a', newline='') as file:
        file.write(f'\r\n{row}\r\nTraining,fer0000003.png,0,0,0,0,0,0,0,6,4,0')
    with pytest.raises(ValueError, match=rf'fer2013new.csv line {line}: '):
        FERPlus(str(root))


def test_an_image_that_is_listed_again(root, log):
    """With another class it is an error, with the same one a warning."""
    file = root / 'fer2013new.csv'
    with file.open('a') as table:
        table.write('\nTraining,fer0000003.png,0,0,0,0,0,0,0,9,1,0')
    assert len(FERPlus(str(root))) == 4
    assert '1 images more than once, such as' in log.warnings[0]
    assert 'fer2013new.csv line 12' in log.warnings[0]
    with file.open('a') as table:
        table.write('\nTraining,fer0000003.PNG,9,1,0,0,0,0,0,0,0,0')
    with pytest.raises(
        ValueError, match=r'line 13: .*3.PNG is Neutral.*Contempt.*line 5'
    ):
        FERPlus(str(root))


def test_another_header(root, put):
    put(root, 'fer2013new.csv', text='emotion,pixels,Usage\n')
    with pytest.raises(ValueError, match='line 1: expected Usage,Image name,neutral'):
        FERPlus(str(root))


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='FERPlus not found') as error:
        FERPlus(str(tmp_path))
    for name in ('fer2013new.csv', 'FER2013Train/label.csv', 'ferplus_training.txt'):
        assert f'  {tmp_path / name}\n' in str(error.value)
