import cv2
import numpy as np
import pytest
import torch

from mmqcs.datasets import RAFDB

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
    with pytest.raises(ValueError, match=rf'line 4: class {label - 1} .*Surprise'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('line', ['train_00003.jpg', 'train_00003.jpg x', 'train 5'])
def test_bad_line(tmp_path, line):
    write(tmp_path, [*LINES, line])
    with pytest.raises(ValueError, match='line 4: expected an image name and a label'):
        RAFDB(str(tmp_path))


def test_empty_split(tmp_path):
    write(tmp_path, LINES[:2])
    with pytest.raises(ValueError, match='no images of the test split'):
        RAFDB(str(tmp_path), split='test')


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="got 'val'"):
        RAFDB(str(tmp_path), split='val')


@pytest.mark.parametrize('content', [b'', b'not a picture'])
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
