from pathlib import Path

import mmengine
import numpy as np
import pytest
from mmengine.dataset import default_collate
from torch.utils.data import DataLoader

from mmqcs.datasets import FER2013

pytest_plugins = 'fer_trees'

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 48, 48))
ROWS = [
    (0, 'Training'),
    (6, 'Training'),
    (3, 'PublicTest'),
    (5, 'PrivateTest'),
    (1, 'PrivateTest'),
    (2, 'Training'),
]


def table(root, columns=('emotion', 'pixels', 'Usage'), newline='\n', quote=''):
    lines = [','.join(columns)]
    for (label, usage), pixels in zip(ROWS, PIXELS, strict=True):
        text = f'{quote}{" ".join(map(str, pixels.ravel()))}{quote}'
        values = {'emotion': str(label), 'pixels': text, 'usage': usage}
        lines.append(','.join(values[name.strip().lower()] for name in columns))
    root.mkdir(parents=True, exist_ok=True)
    (root / 'fer2013.csv').write_bytes((newline.join(lines)).encode())
    return str(root)


def images(dataset):
    return [dataset[i]['img'] for i in range(len(dataset))]


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize(
    'form',
    [
        {},
        {'newline': '\r\n'},
        {'newline': '\r\n', 'columns': ('emotion', ' Usage', ' pixels')},
        {'quote': '"'},
    ],
    ids=str,
)
def test_images_come_from_the_table(tmp_path, form, backend):
    root = table(tmp_path, **form)
    load = dict(type='LoadImageFromFile', imdecode_backend=backend)
    expected = {
        'train': ([0, 6, 2], [0, 1, 5]),
        'val': ([3], [2]),
        'test': ([5, 1], [3, 4]),
    }
    for split, (labels, rows) in expected.items():
        dataset = FER2013(root, split=split, pipeline=[load])
        assert dataset.get_gt_labels().tolist() == labels
        for image, row in zip(images(dataset), rows, strict=True):
            assert image.shape == (48, 48, 3)
            assert (image == PIXELS[row][..., None]).all()


def test_table_in_its_own_folder(tmp_path, log):
    table(tmp_path / 'fer2013')
    assert len(FER2013(str(tmp_path))) == 3
    assert "layout 'csv'" in log.info[0]
    assert 'published dataset has 28,709' in log.warnings[0]


def test_the_index_does_not_hold_the_images(tmp_path):
    dataset = FER2013(table(tmp_path))
    assert dataset.data_bytes.nbytes < 3 * 500


@pytest.mark.slow
def test_spawned_workers_read_the_table(tmp_path):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    dataset = FER2013(table(tmp_path), pipeline=pipeline)
    loader = DataLoader(
        dataset,
        num_workers=1,
        batch_size=1,
        collate_fn=default_collate,
        multiprocessing_context='spawn',
    )
    found = [batch['inputs'][0, 0].numpy() for batch in loader]
    assert (np.stack(found) == PIXELS[[0, 1, 5]]).all()


def test_paths_read_by_mmengine_and_unlike_each_other(tmp_path):
    dataset = FER2013(table(tmp_path))
    paths = [dataset.get_data_info(i)['img_path'] for i in range(3)]
    assert len({path.rpartition('/')[2] for path in paths}) == 3
    assert bytes(mmengine.fileio.get(paths[0])).startswith(b'\x89PNG')


def test_a_table_that_was_changed_since_is_an_error(tmp_path):
    dataset = FER2013(table(tmp_path), pipeline=[dict(type='LoadImageFromFile')])
    (tmp_path / 'fer2013.csv').write_text('emotion,pixels,Usage\n')
    with pytest.raises(RuntimeError, match='If the table changed'):
        dataset[0]


def test_pixels_out_of_range(tmp_path):
    dataset = FER2013(table(tmp_path), pipeline=[dict(type='LoadImageFromFile')])
    path = tmp_path / 'fer2013.csv'
    first = str(PIXELS[0, 0, 0])
    path.write_text(path.read_text().replace(f'0,{first} ', f'0,{"9" * len(first)}9 '))
    dataset = FER2013(str(tmp_path), pipeline=[dict(type='LoadImageFromFile')])
    with pytest.raises(RuntimeError, match='numbers from 0 to 255'):
        dataset[0]


def test_a_path_of_another_form():
    with pytest.raises(ValueError, match=r'mmqcs\.FER2013 such as fer2013://'):
        mmengine.fileio.get('fer2013://somewhere/1.png')
    with pytest.raises(ValueError, match='is an image'):
        mmengine.fileio.get_text('fer2013://somewhere/1.png')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('emotion,pixels\n', 'line 1: expected the columns'),
        ('', 'line 1: expected the columns'),
        ('emotion,pixels,Usage\n0,1 2 3,Training\n', 'line 2: expected 2304 pixels'),
        ('emotion,pixels,Usage\nx,1 2 3,Training\n', 'line 2: expected an emotion'),
        ('emotion,pixels,Usage\n0,1 2 3\n', 'line 2: expected an emotion'),
        (f'emotion,pixels,Usage\n0,{"0 " * 2303}0,Extra\n', "Usage .*got 'Extra'"),
        (
            f'emotion,pixels,Usage\n7,{"0 " * 2303}0,Training\n',
            'line 2: .* 0 to 6, got .7.',
        ),
    ],
)
def test_broken_tables(tmp_path, text, message):
    (tmp_path / 'fer2013.csv').write_text(text)
    with pytest.raises(ValueError, match=message):
        FER2013(str(tmp_path))


@pytest.mark.parametrize(
    'text',
    [
        '1_0 ' + '0 ' * 2302 + '0',
        '-1 ' + '0 ' * 2302 + '0',
        '0  ' + '0 ' * 2301 + '0',
        '"' + '0 ' * 2303 + '0',
    ],
)
def test_pixels_that_are_not_understood(tmp_path, text):
    text = f'emotion,pixels,Usage\n0,{text},Training\n'
    (tmp_path / 'fer2013.csv').write_text(text)
    with pytest.raises(ValueError, match='fer2013.csv line 2: expected'):
        FER2013(str(tmp_path))


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-32'])
def test_a_table_in_another_encoding(tmp_path, encoding):
    text = 'emotion,pixels,Usage\n'
    (tmp_path / 'fer2013.csv').write_text(text, encoding=encoding)
    with pytest.raises(ValueError, match='fer2013.csv line 1: .*UTF-8'):
        FER2013(str(tmp_path))


def test_folders_are_split_by_the_names(tmp_path, put, log):
    put(
        tmp_path,
        'train/angry/Training_1.jpg',
        'train/happy/Training_2.JPG',
        'test/neutral/PublicTest_3.jpg',
        'test/surprise/PrivateTest_4.jpg',
        'validation/sad/PublicTest_5.jpg',
        'test/disgust/Training_6.jpg',
    )
    labels = {
        split: sorted(FER2013(str(tmp_path), split=split).get_gt_labels().tolist())
        for split in ('train', 'val', 'test')
    }
    assert labels == {'train': [0, 1, 3], 'val': [4, 6], 'test': [5]}
    assert "layout 'folders'" in log.info[0]


def test_folders_some_of_whose_names_do_not_say_the_split(tmp_path, put):
    put(tmp_path, 'train/angry/im0.png', 'test/sad/PublicTest_1.jpg')
    with pytest.raises(ValueError, match=r'im0.png: .*Training, Public'):
        FER2013(str(tmp_path))


def test_plain_names_are_split_by_the_folder(tmp_path, put, log):
    put(tmp_path, 'Train/angry/0.jpg', 'Train/happy/1.jpg', 'Test/sad/0.jpg')
    assert FER2013(str(tmp_path)).get_gt_labels().tolist() == [0, 3]
    assert not any('PublicTest' in line for line in log.warnings)
    assert FER2013(str(tmp_path), split='test').get_gt_labels().tolist() == [4]
    assert any('PublicTest from PrivateTest' in line for line in log.warnings)
    with pytest.raises(ValueError, match='no images of the val split'):
        FER2013(str(tmp_path), split='val')


@pytest.mark.parametrize(
    'folders',
    [('train', 'validation', 'test'), ('Training', 'PublicTest', 'PrivateTest')],
)
def test_plain_names_in_three_folders(tmp_path, put, log, folders):
    train, val, test = folders
    put(tmp_path, f'{train}/angry/0.jpg', f'{val}/sad/0.jpg', f'{test}/fear/0.jpg')
    assert FER2013(str(tmp_path), split='val').get_gt_labels().tolist() == [4]
    assert FER2013(str(tmp_path), split='test').get_gt_labels().tolist() == [2]
    assert not any('PublicTest' in line for line in log.warnings)


@pytest.mark.parametrize(
    'name', ['icml_face_data.csv', 'icml_face_data.csv/icml_face_data.csv']
)
def test_table_of_kaggle(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    made = Path(table(tmp_path / 'made', columns=('emotion', ' Usage', ' pixels')))
    (made / 'fer2013.csv').rename(path)
    made.rmdir()
    dataset = FER2013(str(tmp_path), pipeline=[dict(type='LoadImageFromFile')])
    assert dataset.get_gt_labels().tolist() == [0, 6, 2]
    assert (dataset[1]['img'] == PIXELS[1][..., None]).all()


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        FER2013(str(tmp_path))
    for name in ('fer2013.csv', 'fer2013/fer2013.csv', 'train', 'test', 'validation'):
        assert f'  {tmp_path / name}\n' in str(error.value)


def test_published_counts():
    totals = {split: sum(counts) for split, counts in FER2013.PUBLISHED.items()}
    assert totals == {'train': 28_709, 'val': 3_589, 'test': 3_589}
