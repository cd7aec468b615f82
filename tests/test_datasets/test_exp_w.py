import pytest

from mmqcs.datasets import ExpW

pytest_plugins = 'fer_trees'

# name, face, top, left, right, bottom, confidence, expression
ROWS = [
    'angry_actor_104.jpg 0 1 2 7 5 22.9362 0',
    'angry_actor_104.jpg 1 0 -1 4 9 20.5 3',
    'happy man_1.jpg 0 0 0 5 5 60.1 6',
    'fear_2.jpg 0 0 0 5 5 60.1 2',
    'sad_3.jpg 0 0 0 5 5 60.1 4',
]
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmqcs.CropFace')]


@pytest.fixture
def write(tmp_path, put):
    def write(rows=ROWS, images='image/origin', label='label/label.lst'):
        put(tmp_path, label, text='\n'.join(rows))
        names = {row.rsplit(maxsplit=7)[0] for row in rows}
        put(tmp_path, *(f'{images}/{name}' for name in names))
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ('images', 'label'),
    [
        ('image/origin', 'label/label.lst'),
        ('origin', 'label/label.lst'),
        ('origin/origin', 'label.lst'),
        ('ExpW/data/image/origin', 'ExpW/data/label/label.lst'),
    ],
)
def test_faces_with_their_boxes(write, log, images, label):
    dataset = ExpW(write(images=images, label=label), split='all', pipeline=PIPELINE)
    assert dataset.get_gt_labels().tolist() == [0, 3, 6, 2, 4]
    assert dataset.CLASSES[6] == 'Neutral'
    boxes = [tuple(dataset.get_data_info(i)['bbox']) for i in range(2)]
    assert boxes == [(2, 1, 5, 4), (-1, 0, 5, 9)]  # x, y, width, height
    assert dataset[0]['img'].shape == (4, 5, 3)
    assert dataset[1]['img'].shape == (8, 4, 3)  # clipped to the image
    assert 'published dataset has 91,793 images (Angry 3,671' in log.warnings[0]


@pytest.mark.parametrize('num_folds', [2, 3, 4])
def test_all_faces_of_an_image_are_in_one_split(write, num_folds):
    root = write()

    def paths(**keywords):
        dataset = ExpW(root, **keywords)
        return [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]

    tested = []
    for fold in range(num_folds):
        folds = {'fold': fold, 'num_folds': num_folds}
        train, test = (paths(split=split, **folds) for split in ('train', 'test'))
        assert not set(train) & set(test)
        assert sorted(train + test) == sorted(paths(split='all'))
        tested += test
    assert sorted(tested) == sorted(paths(split='all'))


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('a.jpg 0 0 0 5 5 60.1', 'expected name, face, top, left'),
        ('a.jpg 0 0 0 5 5.5 60.1 1', 'expected name, face, top, left'),
        ('a.jpg 0 0 0 5 5 60.1 happy', 'expected name, face, top, left'),
        ('a.jpg 0 0 0 5 5 60.1 1.5', 'expected name, face, top, left'),
        ('a.jpg 0 0 0 5 5 nan 1', '.*confidence'),
        ('a.jpg 0 0 0 5 1_0 60.1 1', '.*whole number'),
        ('/etc/a.jpg 0 0 0 5 5 60.1 1', '.*below the data root'),
        ('../a.jpg 0 0 0 5 5 60.1 1', '.*below the data root'),
        ('a.jpg 0 0 0 5 +5 60.1 1', '.*whole number'),
        ('a.jpg 0 5 5 5 9 60.1 1', '.*the box is empty'),
        ('a.jpg 0 0 0 5 5 60.1 7', '.*from 0 to 6'),
        ('a.jpg 0 0 0 5 5 60.1 -1', '.*from 0 to 6'),
        ('sad_3.jpg 0 0 0 5 5 60.1 3', '.*sad_3.jpg is Happy, but Sad in .* line 5'),
    ],
)
def test_broken_rows(write, row, message):
    with pytest.raises(ValueError, match=f'label.lst line 6: {message}'):
        ExpW(write([*ROWS, row]), split='all')


def test_a_missing_image(write, tmp_path):
    root = write()
    (tmp_path / 'image/origin/fear_2.jpg').unlink()
    with pytest.raises(
        FileNotFoundError, match=r'line 4 names fear_2.jpg.*image/origin'
    ):
        ExpW(root, split='all')


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='ExpW not found') as error:
        ExpW(str(tmp_path))
    assert f'  {tmp_path}/label/label.lst\n' in str(error.value)


def test_published_counts():
    assert sum(ExpW.PUBLISHED['all']) == 91_793
