"""Directory trees as unpacked downloads leave them, and ambiguous ones."""

import numpy as np
import pytest

from mmqcs.datasets import CAERS, FER2013, RAFDB, AffectNet
from mmqcs.datasets.readers.folders import companion, locate, split_folders

pytest_plugins = 'fer_trees'

pytestmark = pytest.mark.usefixtures('cache')

NUMBERS = [str(i) for i in range(8)]
AFFECT = ('neutral', 'Happy', 'sadness', 'Surprise', 'fear', 'DISGUST', 'Angry')
# class folders and the labels of their images, in the order of the folders' names
TREES = [
    (RAFDB, 'DATASET/train', NUMBERS[1:], range(7)),
    (RAFDB, 'archive/DATASET/train', NUMBERS[1:], range(7)),
    (RAFDB, 'RAF-DB/basic/train', NUMBERS[1:], range(7)),
    (RAFDB, 'train/train', ['5', '4'], [3, 4]),
    (RAFDB, 'Training', ['Happiness', 'angry'], [3, 5]),
    (FER2013, 'fer2013/train', ['angry', 'neutral'], [0, 6]),
    (FER2013, 'train/train', ['happy'], [3]),
    (CAERS, 'CAER-S/CAER-S/train', ['Angry', 'Sad'], [0, 5]),
    (CAERS, 'archive/CAER-S/Train', ['happy'], [3]),
    (AffectNet, 'train', NUMBERS, range(8)),
    (AffectNet, 'train', NUMBERS[:7], range(7)),
    (AffectNet, 'AffectNet/Train', NUMBERS, range(8)),
    (AffectNet, 'train', [*AFFECT, 'contempt'], [6, 5, 1, 3, 7, 4, 0, 2]),
    (AffectNet, 'train', AFFECT, [6, 5, 1, 3, 4, 0, 2]),
]


@pytest.mark.parametrize(('kind', 'folder', 'names', 'labels'), TREES)
def test_class_folders(tmp_path, put, kind, folder, names, labels):
    put(tmp_path, *(f'{folder}/{name}/x.jpg' for name in names))
    put(tmp_path, '__MACOSX/train/1/x.jpg', '.cache/train/1/x.jpg')
    expected = [labels[sorted(names).index(name)] for name in sorted(names)]
    dataset = kind(str(tmp_path))
    assert dataset.get_gt_labels().tolist() == expected
    assert all(
        folder in dataset.get_data_info(i)['img_path'] for i in range(len(names))
    )


@pytest.mark.parametrize(
    ('kind', 'split', 'folders', 'chosen'),
    [
        (RAFDB, 'test', ['test'], 'test'),
        (RAFDB, 'test', ['val'], 'val'),
        (RAFDB, 'test', ['Validation'], 'Validation'),
        (RAFDB, 'test', ['val', 'test'], 'test'),
        (AffectNet, 'val', ['val'], 'val'),
        (AffectNet, 'val', ['Valid'], 'Valid'),
        (AffectNet, 'val', ['test'], 'test'),
        (AffectNet, 'val', ['test', 'val'], 'val'),
        (CAERS, 'test', ['test'], 'test'),
        (CAERS, 'test', ['validation'], 'validation'),
    ],
)
def test_folder_of_the_held_out_split(tmp_path, put, kind, split, folders, chosen):
    put(tmp_path, *(f'{folder}/sad/x.jpg' for folder in (*folders, 'train')))
    dataset = kind(str(tmp_path), split=split)
    assert dataset.found.source == tmp_path / chosen


@pytest.mark.parametrize('folders', [('val', 'valid'), ('Test', 'test')])
def test_several_folders_for_one_split_are_named(tmp_path, put, folders):
    put(tmp_path, *(f'{folder}/sad/x.jpg' for folder in folders))
    with pytest.raises(ValueError, match=rf'{folders[0]}, .*{folders[1]}\. Move'):
        RAFDB(str(tmp_path), split='test')


def test_the_log_says_which_folder_is_taken_for_the_root(tmp_path, put, log):
    put(tmp_path, 'DATASET/train/1/x.jpg', 'DATASET/test/1/x.jpg')
    RAFDB(str(tmp_path), split='test')
    assert f'(using {tmp_path / "DATASET"} as data_root)' in log.info[-1]
    RAFDB(str(tmp_path / 'DATASET'))
    assert 'taking' not in log.info[-1]


def test_several_folders_that_could_be_the_root_are_named(tmp_path, put):
    put(tmp_path, 'raf-db/train/1/x.jpg', 'other/train/2/x.jpg')
    with pytest.raises(ValueError, match=r'several folders.*RAF-DB.*/other, .*/raf-db'):
        RAFDB(str(tmp_path))
    assert len(RAFDB(str(tmp_path / 'raf-db'))) == 1


def test_a_link_to_the_root_is_not_another_root(tmp_path, put):
    put(tmp_path, 'raf-db/train/1/x.jpg')
    (tmp_path / 'link').symlink_to(tmp_path / 'raf-db')
    assert len(RAFDB(str(tmp_path))) == 1


def test_the_root_itself_comes_before_folders_in_it(tmp_path, put):
    put(tmp_path, 'train/1/x.jpg', 'copy/train/2/x.jpg', 'copy2/train/2/x.jpg')
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [0]


def test_a_root_with_a_folder_of_its_own_name_is_read_itself(tmp_path, put):
    root = tmp_path / 'fer2013'
    put(root, 'train/angry/0.jpg', 'fer2013/notes.txt')
    dataset = FER2013(str(root))
    assert dataset.found.source == root
    assert len(dataset) == 1


def test_nothing_is_searched_deeper_than_two_folders(tmp_path, put):
    put(tmp_path, 'a/b/c/train/1/x.jpg')
    with pytest.raises(FileNotFoundError, match='up to two folders deeper'):
        RAFDB(str(tmp_path))


@pytest.mark.parametrize('label', ['3', 3])
def test_doubled_folders_of_affectnet_2021(tmp_path, put, label):
    for folder in ('train_set/train_set', 'val_set/val_set'):
        put(tmp_path, f'{folder}/images/0.jpg')
        (tmp_path / folder / 'annotations').mkdir()
        np.save(tmp_path / folder / 'annotations/0_exp.npy', np.array(label))
    for split in ('train', 'val'):
        dataset = AffectNet(str(tmp_path), split=split)
        assert dataset.get_gt_labels().tolist() == [3]


@pytest.mark.parametrize(
    ('tables', 'images'),
    [
        ('Manually_Annotated_file_lists/Manually_Annotated_file_lists', ''),
        ('.', 'Manually_Annotated/'),
        ('AffectNet/Manually_Annotated_file_lists', 'AffectNet/Manually_Annotated/'),
        ('lists/Manually_Annotated_file_lists', 'images/'),
    ],
)
def test_tables_and_images_of_affectnet_in_folders_of_their_own(
    tmp_path, put, tables, images
):
    header = 'subDirectory_filePath,face_x,face_y,face_width,face_height,expression'
    put(tmp_path, f'{tables}/training.csv', text=f'{header}\n1/a.jpg,0,0,5,5,6\n')
    put(tmp_path, f'{images}Manually_Annotated_Images/1/a.jpg')
    assert AffectNet(str(tmp_path)).get_gt_labels().tolist() == [6]


def test_doubled_folder_of_the_images_of_rafdb(tmp_path, put):
    put(tmp_path, 'basic/EmoLabel/list_patition_label.txt', text='train_00001.jpg 5')
    put(tmp_path, 'basic/Image/aligned/aligned/train_00001_aligned.jpg')
    assert RAFDB(str(tmp_path)).get_gt_labels().tolist() == [4]


def test_affectnet_folders_without_an_expression_are_left_out(tmp_path, put, log):
    put(tmp_path, *(f'train/{n}/x.jpg' for n in (0, 7, 8, 9, 10)))
    assert AffectNet(str(tmp_path)).get_gt_labels().tolist() == [0, 7]
    assert "AffectNet's order: 0 Neutral, 1 Happy, 2 Sad, 3 Surprise" in log.info[0]
    put(tmp_path, 'val/contempt/x.jpg', 'val/fear/x.jpg', 'val/Uncertain/x.jpg')
    dataset = AffectNet(str(tmp_path), split='val', num_classes=7)
    assert dataset.get_gt_labels().tolist() == [4]


@pytest.mark.parametrize('names', [NUMBERS[1:], ['3'], ['1', '2', 'neutral']])
def test_numbers_of_affectnet_from_1_are_of_unknown_order(tmp_path, put, names):
    put(tmp_path, *(f'train/{name}/x.jpg' for name in names))
    with pytest.raises(ValueError, match=r'AffectNet counts from 0 \(0 Neutral, 1'):
        AffectNet(str(tmp_path))


@pytest.mark.parametrize(('kind', 'name'), [(RAFDB, '0'), (FER2013, '1'), (CAERS, '2')])
def test_numbers_that_a_dataset_does_not_have(tmp_path, put, kind, name):
    put(tmp_path, f'train/{name}/x.jpg', 'train/sad/x.jpg')
    with pytest.raises(ValueError, match=f'{name} is not the folder of a known class'):
        kind(str(tmp_path))


def test_split_folders_that_are_missing_are_listed(tmp_path):
    assert split_folders(tmp_path, 'train') == [
        tmp_path / 'train',
        tmp_path / 'training',
    ]


def test_locate_in_several_places(tmp_path, put):
    assert locate(tmp_path, 'b') == tmp_path / 'b'
    put(tmp_path, 'x/b/1.jpg')
    assert locate(tmp_path, 'b') == tmp_path / 'x/b'
    put(tmp_path, 'y/b/1.jpg')
    with pytest.raises(ValueError, match=r'b is in several places: .*x/b, .*y/b'):
        locate(tmp_path, 'b')
    put(tmp_path, 'b/b/1.jpg')
    assert locate(tmp_path, 'b') == tmp_path / 'b/b'


def test_companion_is_not_sought_above_the_root(tmp_path, put):
    put(tmp_path, 'images/1.jpg', 'root/labels/list.txt')
    root, source = tmp_path / 'root', tmp_path / 'root/labels/list.txt'
    assert companion(source, root, 'images') == root / 'images'
    assert companion(source, tmp_path, 'images') == tmp_path / 'images'
