import json
import os

import numpy as np
import pytest

from mmqcs.datasets import AffectNet
from mmqcs.datasets.readers import affect_net_index

pytest_plugins = 'fer_trees'

HEADER = (
    'subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,'
    'expression,valence,arousal'
)
ROWS = [
    '1/a.jpg,2,1,5,4,1;2;3,0,0.1,-0.2',
    '1/b b.JPG,NULL,NULL,NULL,NULL,1;2;3,1,0,0',
    '2\\c.png,-3,-3,100,100,1;2;3,7,0,0',
    '2/d.jpg,0,0,5,5,1;2;3,8,-2,-2',
    '2/e.jpg,0,0,5,5,1;2;3,10,-2,-2',
    '3/f.jpg,0,0,5,5,1;2;3,6,0,0',
]
IMAGES = ('1/a.jpg', '1/b b.JPG', '2/c.png', '3/f.jpg')
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(type='PackInputs'),
]

pytestmark = pytest.mark.usefixtures('cache')


def write_csv(put, root, rows=ROWS, newline='\n', folder='', header=HEADER):
    lists = 'Manually_Annotated_file_lists'
    put(root, f'{lists}/training.csv', text=newline.join([header, *rows]))
    images = f'{folder}Manually_Annotated_Images'
    put(root, *(f'{images}/{name}' for name in IMAGES))
    return str(root)


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
@pytest.mark.parametrize('folder', ['', 'Manually_Annotated/'])
def test_csv(tmp_path, put, log, newline, folder):
    root = write_csv(put, tmp_path, newline=newline, folder=folder)
    dataset = AffectNet(root)
    assert dataset.get_gt_labels().tolist() == [0, 1, 7, 6]
    infos = [dataset.get_data_info(i) for i in range(4)]
    ends = [info['img_path'].endswith(n) for info, n in zip(infos, IMAGES, strict=True)]
    assert all(ends)
    boxes = [info.get('bbox') for info in infos]
    assert boxes == [(2, 1, 5, 4), None, (-3, -3, 100, 100), (0, 0, 5, 5)]
    assert any('1 of 4 images have no face box' in line for line in log.info)
    assert "layout 'csv'" in log.info[-1]
    assert 'published dataset has 287,651 images (Neutral 74,874' in log.warnings[0]


def test_faces_are_cropped(tmp_path, put):
    dataset = AffectNet(write_csv(put, tmp_path), pipeline=PIPELINE)
    shapes = [tuple(dataset[i]['inputs'].shape[1:]) for i in range(4)]
    assert shapes == [(4, 5), (8, 10), (8, 10), (5, 5)]


def test_a_box_outside_of_the_image_is_named(tmp_path, put):
    rows = ['1/a.jpg,50,1,5,4,1;2;3,0,0.1,-0.2']
    dataset = AffectNet(write_csv(put, tmp_path, rows), pipeline=PIPELINE)
    with pytest.raises(
        RuntimeError, match=r'1/a.jpg, cannot be used: .*outside the image'
    ):
        dataset[0]


def test_without_contempt(tmp_path, put, log):
    dataset = AffectNet(write_csv(put, tmp_path), num_classes=7)
    assert dataset.get_gt_labels().tolist() == [0, 1, 6]
    assert len(dataset.CLASSES) == 7
    assert 'published dataset has 283,901 images' in log.warnings[0]


def test_images_that_are_left_out_need_not_be_there(tmp_path, put):
    root = write_csv(put, tmp_path)
    (tmp_path / 'Manually_Annotated_Images/2/c.png').unlink()
    assert len(AffectNet(root, num_classes=7)) == 3
    with pytest.raises(FileNotFoundError, match=r'line 4 names c.png.*\(1 of 4 images'):
        AffectNet(root)


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('4/g.jpg,0,0,5,5,1;2,11,0,0', r'line 8: .* from 0 to 10'),
        ('4/g.jpg,0,0,5,5,1;2,-1,0,0', r'line 8: .* from 0 to 10'),
        ('4/g.jpg,0,0,5,5,1;2,happy,0,0', r"line 8: .*'happy'"),
        ('4/g.jpg,0,x,5,5,1;2,1,0,0', r"line 8: .*'x'"),
        ('4/g.jpg,0', r'line 8: '),
    ],
)
def test_broken_rows(tmp_path, put, row, message):
    root = write_csv(put, tmp_path, [*ROWS, row])
    for _ in range(2):  # an index of a broken table is not kept
        with pytest.raises(ValueError, match=f'training.csv {message}'):
            AffectNet(root)


@pytest.mark.parametrize(
    'row',
    [
        '1/a.jpg,0,0,5,5,1;2,3.7,0,0',
        '1/a.jpg,0,0,-5,5,1;2,0,0,0',
        '1/a.jpg,0,0,5,0,1;2,0,0,0',
        '1/a.jpg,0,0,inf,5,1;2,0,0,0',
        '1/a.jpg,0,0,5.5,5,1;2,0,0,0',
        '1/a.jpg,0,0,5,5,1;2,0,0,"0',
        '1/a.jpg,0,0,5,5,1;2,0,0',
        '1/a.jpg,0,0,5,5,1;2,0,0,0,0',
        '1\0/a.jpg,0,0,5,5,1;2,0,0,0',
        '../a.jpg,0,0,5,5,1;2,0,0,0',
        '1/a.jpg,0,0,5,5,1;2,1,0,0',
    ],
)
def test_rows_that_are_not_understood(tmp_path, put, row):
    root = write_csv(put, tmp_path, [*ROWS, row, ROWS[0]])
    with pytest.raises(ValueError, match='training.csv line 8: '):
        AffectNet(root)


def test_numbers_that_went_through_pandas(tmp_path, put):
    rows = ['1/a.jpg,2.0,1.0,5.0,4.0,1;2,1.0,0,0', '1/b b.JPG,,,,,1;2,0.0,0,0']
    dataset = AffectNet(write_csv(put, tmp_path, rows))
    assert dataset.get_gt_labels().tolist() == [1, 0]
    assert dataset.get_data_info(0)['bbox'] == (2, 1, 5, 4)
    assert 'bbox' not in dataset.get_data_info(1)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_a_table_of_a_spreadsheet(tmp_path, put, encoding):
    root = write_csv(put, tmp_path)
    table = tmp_path / 'Manually_Annotated_file_lists/training.csv'
    table.write_text(table.read_text(), encoding=encoding)
    assert AffectNet(root).get_gt_labels().tolist() == [0, 1, 7, 6]


@pytest.mark.parametrize(
    'change',
    [
        lambda columns: columns.pop(),
        lambda columns: columns[0].pop(),
        lambda columns: columns.__setitem__(0, 3),
        lambda columns: columns[0].__setitem__(1, 1),
        lambda columns: columns[1].__setitem__(1, 8),
        lambda columns: columns[1].__setitem__(1, 1.0),
        lambda columns: columns[1].__setitem__(1, True),
        lambda columns: columns[2].__setitem__(1, [1, 2, 3]),
        lambda columns: columns[2].__setitem__(1, [1, 2, 3, 'x']),
        lambda columns: columns[2].__setitem__(1, 5),
        lambda columns: columns[3].__setitem__(1, None),
    ],
)
def test_an_index_of_another_form_is_built_again(tmp_path, put, cache, log, change):
    root = write_csv(put, tmp_path)
    AffectNet(root)
    (path,) = cache.iterdir()
    index = json.loads(path.read_text())
    change(index['columns'])
    check_rebuilt(root, path, json.dumps(index), log)


@pytest.mark.parametrize('text', ['', '{', '[]', '\udcff', '[' * 100_000])
def test_an_index_that_is_no_index(tmp_path, put, cache, log, text):
    root = write_csv(put, tmp_path)
    AffectNet(root)
    (path,) = cache.iterdir()
    check_rebuilt(root, path, text, log)


def check_rebuilt(root, path, text, log):
    path.write_bytes(text.encode(errors='surrogateescape'))
    del log.info[:]
    assert AffectNet(root).get_gt_labels().tolist() == [0, 1, 7, 6]
    assert sum(str(path) in line and 'damaged' in line for line in log.info) == 1
    del log.info[:]
    AffectNet(root)
    assert not any('damaged' in line for line in log.info)


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, put, monkeypatch, log):
    root = write_csv(put, tmp_path)
    (tmp_path / 'file').touch()
    monkeypatch.setenv('MMQCS_CACHE_DIR', str(tmp_path / 'file/below'))
    assert AffectNet(root).get_gt_labels().tolist() == [0, 1, 7, 6]
    assert any('Set MMQCS_CACHE_DIR' in line for line in log.warnings)


def test_a_table_without_header(tmp_path, put):
    root = write_csv(put, tmp_path, header=ROWS[0])
    with pytest.raises(ValueError, match='line 1: .* subDirectory_filePath'):
        AffectNet(root)


@pytest.fixture
def reads(monkeypatch):
    """Names of the readers that ran, which is slow on real data."""
    calls = []
    for name in ('_read_csv', '_read_files'):
        original = getattr(affect_net_index, name)

        def read(*args, name=name, original=original):
            calls.append(name)
            return original(*args)

        monkeypatch.setattr(affect_net_index, name, read)
    return calls


def test_the_table_is_read_once(tmp_path, put, reads, cache):
    root = write_csv(put, tmp_path)
    first, second = AffectNet(root), AffectNet(root)
    assert reads == ['_read_csv']
    for i in range(4):
        assert first.get_data_info(i) == second.get_data_info(i)
    table = tmp_path / 'Manually_Annotated_file_lists/training.csv'
    table.write_text('\n'.join([HEADER, *ROWS[:2]]))
    assert len(AffectNet(root)) == 2
    assert reads == ['_read_csv'] * 2
    assert len(list(cache.iterdir())) == 1


def test_a_table_of_the_same_size_but_another_time_is_read_again(tmp_path, put, reads):
    root = write_csv(put, tmp_path)
    AffectNet(root)
    table = tmp_path / 'Manually_Annotated_file_lists/training.csv'
    table.write_text(table.read_text().replace(';3,0,', ';3,5,'))
    os.utime(table, ns=(1, 1))
    assert AffectNet(root).get_gt_labels().tolist() == [5, 1, 7, 6]
    assert reads == ['_read_csv'] * 2


def write_annotations(put, root, values, folder='train_set'):
    annotations = root / folder / 'annotations'
    annotations.mkdir(parents=True, exist_ok=True)
    for number, value in values.items():
        np.save(annotations / f'{number}_exp.npy', np.array(value))
        np.save(annotations / f'{number}_val.npy', np.array('0.5'))
        put(root, f'{folder}/images/{number}.jpg')
    return str(root)


def test_2021(tmp_path, put, log):
    values = {10: '3.0', 9: 7.0, 2: '0', 11: '8', 0: [5], 1: b'1'}
    write_annotations(put, tmp_path, values)
    root = write_annotations(put, tmp_path, {5: '7', 6: '2'}, 'val_set')
    dataset = AffectNet(root)
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    names = [path.rpartition('/')[2] for path in paths]
    assert names == ['0.jpg', '1.jpg', '2.jpg', '9.jpg', '10.jpg']
    assert dataset.get_gt_labels().tolist() == [5, 1, 0, 7, 3]
    assert 'bbox' not in dataset.get_data_info(0)
    assert AffectNet(root, split='val').get_gt_labels().tolist() == [7, 2]
    assert AffectNet(root, split='val', num_classes=7).get_gt_labels().tolist() == [2]
    published = [line.partition('published dataset has ')[2] for line in log.warnings]
    assert [line.split()[0] for line in published] == ['287,651', '3,999', '3,500']


def test_2021_is_read_once(tmp_path, put, reads):
    root = write_annotations(put, tmp_path, {0: '1', 1: '2'})
    AffectNet(root)
    assert AffectNet(root, num_classes=7).get_gt_labels().tolist() == [1, 2]
    assert reads == ['_read_files']
    write_annotations(put, tmp_path, {2: '3'})
    assert AffectNet(root).get_gt_labels().tolist() == [1, 2, 3]
    assert reads == ['_read_files'] * 2


def test_2021_overwritten_annotations_are_noticed(tmp_path, put):
    root = write_annotations(put, tmp_path, {0: '1', 1: '2'})
    AffectNet(root)
    path = tmp_path / 'train_set/annotations/1_exp.npy'
    np.save(path, np.array('3'))
    os.utime(path, ns=(1, 1))  # else it may fall in the same tick of the clock
    assert AffectNet(root).get_gt_labels().tolist() == [1, 3]


@pytest.mark.parametrize(
    'value', ['11', '-1', 'happy', 3.7, np.nan, True, 3j, '\u0663', [1, 2]]
)
def test_2021_with_a_wrong_annotation(tmp_path, put, value):
    root = write_annotations(put, tmp_path, {3: value})
    with pytest.raises(ValueError, match='3_exp.npy: '):
        AffectNet(root)


def test_2021_with_a_pickle(tmp_path, put):
    root = write_annotations(put, tmp_path, {3: '1'})
    path = tmp_path / 'train_set/annotations/3_exp.npy'
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r'3_exp.npy: .*allow_pickle=False'):
        AffectNet(root)


@pytest.mark.parametrize('content', [b'', b'x'])
def test_2021_with_a_broken_file(tmp_path, put, content):
    root = write_annotations(put, tmp_path, {3: '1'})
    (tmp_path / 'train_set/annotations/3_exp.npy').write_bytes(content)
    with pytest.raises(ValueError, match='3_exp.npy: '):
        AffectNet(root)


def test_2021_with_a_missing_image(tmp_path, put):
    root = write_annotations(put, tmp_path, {3: '1', 4: '2'})
    (tmp_path / 'train_set/images/4.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'4_exp.npy names 4.jpg.*\(1 of 2'):
        AffectNet(root)


@pytest.mark.parametrize('kind', ['csv', 'annotations'])
def test_a_read_only_data_folder(tmp_path, put, kind, log):
    data = tmp_path / 'data'
    if kind == 'csv':
        root = write_csv(put, data)
    else:
        root = write_annotations(put, data, {0: '1', 1: '2', 2: '4', 3: '5'})
    before = sorted(data.rglob('*'))
    folders = [data, *(path for path in before if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        assert len(AffectNet(root)) == len(AffectNet(root)) == 4
    finally:
        for path in folders:
            path.chmod(0o755)
    assert sorted(data.rglob('*')) == before  # also when the tests run as root
    assert not any('cannot be kept' in line for line in log.warnings)


LINES = ['1/a.jpg 0', '1\\b b.JPG 7', '2/c.png 3']


def write_list(put, root, name, lines=LINES):
    put(root, name, text='\r\n'.join(lines))
    put(root, *(f'Manually_trainval_croped/{image}' for image in IMAGES))
    return str(root)


def test_list_of_eight_classes(tmp_path, put, log):
    root = write_list(put, tmp_path, 'affectnet_training-cls8.txt')
    assert AffectNet(root).get_gt_labels().tolist() == [0, 7, 3]
    assert AffectNet(root, num_classes=7).get_gt_labels().tolist() == [0, 3]
    assert "layout 'list'" in log.info[0]


def test_list_of_seven_classes(tmp_path, put):
    lines = [LINES[0], LINES[2]]
    root = write_list(put, tmp_path, 'affectnet_training-cls7-v7.txt', lines)
    write_list(put, tmp_path, 'affectnet_validation-cls7.txt', LINES[:1])
    write_list(put, tmp_path, 'affectnet_training-cls8.txt')
    assert len(AffectNet(root, num_classes=7)) == 2
    assert len(AffectNet(root, split='val', num_classes=7)) == 1
    assert len(AffectNet(root)) == 3


def test_a_list_of_seven_classes_does_not_serve_eight(tmp_path, put):
    root = write_list(put, tmp_path, 'affectnet_training-cls7-v7.txt', LINES[:1])
    with pytest.raises(FileNotFoundError, match=r'affectnet_training-cls8\*.txt'):
        AffectNet(root)


def test_several_lists_of_one_split(tmp_path, put):
    for version in (6, 7):
        root = write_list(put, tmp_path, f'affectnet_training-cls8-v{version}.txt')
    with pytest.raises(ValueError, match=r'cls8-v6.txt, affectnet_training-cls8-v7'):
        AffectNet(root)


def test_a_list_with_a_label_out_of_range(tmp_path, put):
    lines = [*LINES, '3/f.jpg 8']
    root = write_list(put, tmp_path, 'affectnet_training-cls8.txt', lines)
    with pytest.raises(ValueError, match='txt line 4: class 8 .*Contempt'):
        AffectNet(root)


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='AffectNet not found') as error:
        AffectNet(str(tmp_path), split='val', num_classes=7)
    for name in (
        'val_set/annotations',
        'Manually_Annotated_file_lists/validation.csv',
        'affectnet_validation-cls7*.txt',
        'affectnet_validation-cls8*.txt',
    ):
        assert f'  {tmp_path / name}\n' in str(error.value)


def test_published_counts():
    assert sum(AffectNet.PUBLISHED['train']) == 287_651
    assert sum(AffectNet.PUBLISHED['val']) == 4_000
