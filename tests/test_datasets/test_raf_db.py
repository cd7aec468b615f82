import cv2
import numpy as np
import pytest
import torch

from mmqcs.datasets import RAFDB

pytest_plugins = 'fer_trees'

LINES = ['train_00001.jpg 5', 'train_00002.jpg 1', 'test_0001.jpg 7']
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def write(root, lines=LINES, images=True, newline='\n', folder='basic'):
    base = root / folder
    (base / 'EmoLabel').mkdir(parents=True)
    (base / 'Image/aligned').mkdir(parents=True)
    label_file = base / 'EmoLabel/list_patition_label.txt'
    label_file.write_bytes(newline.join(lines).encode())
    if images:
        for i, line in enumerate(lines):
            name = line.split('.')[0] + '_aligned.jpg'
            image = np.full((100, 100, 3), 10 * i, dtype=np.uint8)
            cv2.imwrite(str(base / 'Image/aligned' / name), image)
    return root


def test_splits_labels_and_classes(tmp_path):
    write(tmp_path)
    train, test = (RAFDB(str(tmp_path), split=s) for s in ('train', 'test'))
    assert train.get_gt_labels().tolist() == [4, 0]
    assert test.get_gt_labels().tolist() == [6]
    assert train.CLASSES[4] == 'Sadness'
    assert not train.test_mode
    assert test.test_mode
    assert train.get_data_info(0)['img_path'].endswith('train_00001_aligned.jpg')
    assert 'Split: \ttrain' in repr(train)


@pytest.mark.parametrize('folder', ['basic', ''])
def test_root_may_be_the_folder_basic_itself(tmp_path, folder):
    write(tmp_path, folder=folder)
    assert len(RAFDB(str(tmp_path))) == 2
    if folder:
        assert len(RAFDB(str(tmp_path / folder))) == 2


@pytest.mark.parametrize('newline', ['\n', '\r\n', '\n\n'])
def test_line_ends(tmp_path, newline):
    write(tmp_path, newline=newline)
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [4, 0]


def test_images_arrive(tmp_path):
    dataset = RAFDB(str(write(tmp_path)), pipeline=PIPELINE)
    item = dataset[1]
    assert item['inputs'].shape == (3, 100, 100)
    assert item['inputs'].float().mean() == pytest.approx(10, abs=1)
    assert torch.equal(item['data_samples'].gt_label, torch.tensor([0]))


def test_missing_root(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'RAF-DB not found: .*data_root'):
        RAFDB(str(tmp_path / 'nowhere'))


def test_missing_image(tmp_path):
    write(tmp_path, images=False)
    with pytest.raises(FileNotFoundError, match=r'line 1 .*train_00001_aligned.jpg'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('label', [0, 8])
def test_label_out_of_range(tmp_path, label):
    write(tmp_path, [*LINES, f'train_00003.jpg {label}'])
    with pytest.raises(ValueError, match=rf'line 4: .* 1 to 7, got .{label}.'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('line', ['train_00003.jpg', 'train_00003.jpg x', 'train 5'])
def test_bad_line(tmp_path, line):
    write(tmp_path, [*LINES, line])
    with pytest.raises(ValueError, match='line 4: expected an image name and a label'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize(
    'line',
    [
        'train_00003.jpg 5 1',
        'train_00003.jpg\ttrain\t5',
        'train_00003.jpg 5.5',
        'train_00003.jpg \uff15',
        'train_00003.jpg,5',
        'train/../../x.jpg 5',
        'train_00003.jpg\x00 5',
        'train_00002.jpg 2',
        'test_0001.jpg 8',
    ],
)
def test_lines_that_are_not_understood(tmp_path, line):
    write(tmp_path, [*LINES, line])
    with pytest.raises(ValueError, match='list_patition_label.txt line 4: '):
        RAFDB(str(tmp_path))


def test_names_with_aligned_and_utf16(tmp_path):
    write(tmp_path)
    path = tmp_path / 'basic/EmoLabel/list_patition_label.txt'
    text = path.read_text().replace('00001.jpg', '00001_aligned.jpg')
    path.write_text(text, encoding='utf-16')
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [4, 0]


def test_empty_split(tmp_path):
    write(tmp_path, LINES[:2])
    with pytest.raises(ValueError, match='no images of the test split'):
        RAFDB(str(tmp_path), split='test')


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="got 'val'"):
        RAFDB(str(tmp_path), split='val')


@pytest.mark.parametrize('content', [b'', b'not an image'])
def test_an_unreadable_image_is_an_error_that_names_it(tmp_path, content):
    """Never another image in its place, as MMEngine would draw in training."""
    write(tmp_path)
    (tmp_path / 'basic/Image/aligned/train_00002_aligned.jpg').write_bytes(content)
    dataset = RAFDB(str(tmp_path), pipeline=PIPELINE)
    with pytest.raises(RuntimeError, match=r'train image 1, .*train_00002_aligned.jpg'):
        dataset[1]


def test_a_pipeline_that_gives_nothing_is_an_error(tmp_path):
    dataset = RAFDB(str(write(tmp_path)), pipeline=[lambda results: None])
    with pytest.raises(RuntimeError, match='train image 0, .* returned None'):
        dataset[0]


def test_a_mixed_case_extension_is_found(tmp_path):
    write(tmp_path)
    folder = tmp_path / 'basic/Image/aligned'
    (folder / 'train_00001_aligned.jpg').rename(folder / 'train_00001_aligned.JPG')
    dataset = RAFDB(str(tmp_path), pipeline=PIPELINE)
    assert dataset.get_data_info(0)['img_path'].endswith('train_00001_aligned.JPG')
    assert dataset[0]['inputs'].shape == (3, 100, 100)


def test_an_extension_may_be_upper_case_in_the_list(tmp_path):
    write(tmp_path)
    labels = tmp_path / 'basic/EmoLabel/list_patition_label.txt'
    labels.write_text(labels.read_text().replace('00001.jpg', '00001.JPG'))
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [4, 0]


def test_images_and_folders_may_be_links(tmp_path):
    write(tmp_path / 'store')
    base = tmp_path / 'links/basic'
    base.mkdir(parents=True)
    (base / 'EmoLabel').symlink_to(tmp_path / 'store/basic/EmoLabel')
    (base / 'Image').mkdir()
    (base / 'Image/aligned').mkdir()
    for image in (tmp_path / 'store/basic/Image/aligned').iterdir():
        (base / 'Image/aligned' / image.name).symlink_to(image)
    dataset = RAFDB(str(tmp_path / 'links'), pipeline=PIPELINE)
    assert [dataset[i]['inputs'].shape for i in range(2)] == [(3, 100, 100)] * 2


def test_all_missing_images_are_counted(tmp_path):
    write(tmp_path, [*LINES, 'train_00003.jpg 2'])
    for number in (2, 3):
        (tmp_path / f'basic/Image/aligned/train_0000{number}_aligned.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='line 2 .*00002.*2 of 3 .*aligned.z'):
        RAFDB(str(tmp_path))


def test_an_image_of_neither_split(tmp_path):
    write(tmp_path, [*LINES, 'img_3.jpg 2'])
    with pytest.raises(ValueError, match="line 4: 'img_3.jpg' starts with neither"):
        RAFDB(str(tmp_path))


def write_paths(root, newline='\n', separator='/'):
    lines = ['Image/aligned/train_00001_aligned.jpg 4', 'Image/my faces/b 2.JPG 0']
    text = newline.join(lines).replace('/', separator)
    (root / 'raf_db_basic_train.txt').write_bytes(text.encode())
    for line in lines:
        path = root / 'basic' / line.rpartition(' ')[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.full((100, 100, 3), 7, dtype=np.uint8)
        path.write_bytes(cv2.imencode('.jpg', image)[1].tobytes())
    return root


@pytest.mark.parametrize('separator', ['/', '\\'])
@pytest.mark.parametrize('newline', ['\n', '\r\n'])
def test_list_of_paths_counts_from_0(tmp_path, log, newline, separator):
    write_paths(tmp_path, newline, separator)
    dataset = RAFDB(str(tmp_path), pipeline=PIPELINE)
    assert dataset.get_gt_labels().tolist() == [4, 0]
    assert dataset[1]['inputs'].shape == (3, 100, 100)
    assert "layout 'paths'" in log.info[0]


def test_list_of_paths_with_a_label_out_of_range(tmp_path):
    write_paths(tmp_path)
    with (tmp_path / 'raf_db_basic_train.txt').open('a') as file:
        file.write('\nImage/aligned/train_00003_aligned.jpg 7')
    with pytest.raises(ValueError, match=r'train.txt line 3: class 7 .*Surprise'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('test_folder', ['test', 'valid'])
@pytest.mark.parametrize('base', ['', 'basic/'])
def test_class_folders_have_the_official_numbers(tmp_path, put, test_folder, base):
    put(tmp_path, *(f'{base}train/{n}/x.jpg' for n in (7, 2, 1)))
    put(tmp_path, f'{base}{test_folder}/4/x.jpg')
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [0, 1, 6]
    assert RAFDB(str(tmp_path), split='test').get_gt_labels().tolist() == [3]


def test_class_folders_with_names_do_not_count_by_the_alphabet(tmp_path, put):
    put(tmp_path, *(f'train/{n}/x.jpg' for n in ('angry', 'Happiness', 'SURPRISE')))
    labels = RAFDB(str(tmp_path)).get_gt_labels().tolist()
    assert labels == [3, 0, 5]  # Happiness, SURPRISE, angry


@pytest.mark.parametrize('folder', ['0', '8', 'contempt'])
def test_class_folders_of_no_class(tmp_path, put, folder):
    put(tmp_path, f'train/{folder}/x.jpg')
    with pytest.raises(ValueError, match=f'{folder} is not the folder of a known'):
        RAFDB(str(tmp_path))


def test_the_official_list_comes_first_and_the_layout_can_be_chosen(tmp_path, put, log):
    write(tmp_path)
    put(tmp_path, 'train/4/x.jpg')
    assert len(RAFDB(str(tmp_path))) == 2
    assert 'not used: folders' in log.info[0]
    assert len(RAFDB(str(tmp_path), layout='folders')) == 1


def test_nothing_found_lists_the_paths_and_trees(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        RAFDB(str(tmp_path), split='test')
    for name in (
        'basic/EmoLabel/list_patition_label.txt',
        'EmoLabel/list_patition_label.txt',
        'raf_db_basic_test.txt',
        'test',
        'valid',
    ):
        assert f'  {tmp_path / name}\n' in str(error.value)
    assert 'train_00001_aligned.jpg' in str(error.value)


def test_published_counts():
    assert sum(RAFDB.PUBLISHED['train']) == 12_271
    assert sum(RAFDB.PUBLISHED['test']) == 3_068
