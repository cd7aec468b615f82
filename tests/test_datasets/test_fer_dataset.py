"""Behaviour that all datasets share: layouts, counts, bad input."""

import os

import pytest

from mmqcs.datasets import RAFDB
from mmqcs.datasets.base.layouts import Layout, find_layout
from mmqcs.datasets.readers.affect_net_index import cache_dir
from mmqcs.datasets.readers.listings import (
    FolderNames,
    read_class_folders,
    read_label_list,
)

pytest_plugins = 'fer_trees'


def find(layouts, split='train', name=None):
    return find_layout(lambda root: layouts, 'Faces', split, 'some root', name)


def test_the_first_layout_that_is_there(tmp_path):
    (tmp_path / 'b').touch()
    (tmp_path / 'c').touch()
    layouts = [Layout(n, [tmp_path / 'x', tmp_path / n], list, n) for n in 'abc']
    found = find(layouts)
    assert (found.layout.name, found.source) == ('b', tmp_path / 'b')
    assert found.others == ('c',)
    assert find(layouts, name='c').layout.name == 'c'
    with pytest.raises(FileNotFoundError, match='Looked for the train split'):
        find(layouts, name='a')
    with pytest.raises(ValueError, match=r"one of 'a', 'b', 'c' .* got 'd'"):
        find(layouts, name='d')


def test_an_error_lists_all_paths_and_trees(tmp_path):
    layouts = [
        Layout('one', [tmp_path / 'p', tmp_path / 'q'], list, '    tree of one'),
        Layout('two', [tmp_path / 'r'], list, '    tree of two'),
    ]
    with pytest.raises(FileNotFoundError) as error:
        find(layouts, split='test')
    for part in ('Faces', 'test split', "'some root'", 'tree of one', 'tree of two'):
        assert part in str(error.value)
    for name in 'pqr':
        assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (b'a.jpg 1\nb.jpg 2', [('a.jpg', 1), ('b.jpg', 2)]),
        (b'a.jpg 1\r\n\r\nb.jpg 2\r\n', [('a.jpg', 1), ('b.jpg', 2)]),
        (b'\xef\xbb\xbfa.jpg 1\n', [('a.jpg', 1)]),
        (b'dir\\sub\\a.jpg 3\n', [('dir/sub/a.jpg', 3)]),
        (b'my own face.JPG 4\n', [('my own face.JPG', 4)]),
        (b'a.jpg\t5\n  b.jpg   6  \n', [('a.jpg', 5), ('b.jpg', 6)]),
        ('gesicht ä.jpg 0\n'.encode(), [('gesicht ä.jpg', 0)]),
        (b'', []),
    ],
)
def test_lists(tmp_path, content, expected):
    path = tmp_path / 'list.txt'
    path.write_bytes(content)
    read = list(read_label_list(path, 'a.jpg 1'))
    assert [(name, label) for name, label, _ in read] == expected
    for _, _, origin in read:
        assert origin.startswith(f'{path} line ')


@pytest.mark.parametrize('line', ['a.jpg', 'a.jpg x', 'a.jpg 1.5', 'a.jpg -1', 'a 1'])
def test_a_line_that_is_not_a_name_and_a_label(tmp_path, line):
    path = tmp_path / 'list.txt'
    path.write_text(f'ok.jpg 1\n{line}\n')
    with pytest.raises(ValueError, match=r'list.txt line 2: .*such as .ok.jpg 1.*got'):
        list(read_label_list(path, 'ok.jpg 1'))


def test_folder_names_are_listed_once(tmp_path, put, monkeypatch):
    put(tmp_path, 'a/1.JPG', 'a/2.jpg')
    calls, listdir = [], os.listdir
    monkeypatch.setattr(os, 'listdir', lambda p: calls.append(p) or listdir(p))
    folders = FolderNames()
    folder = str(tmp_path / 'a')
    assert folders.find(f'{folder}/1.jpg') == f'{folder}/1.JPG'
    assert folders.find(f'{folder}/2.jpg') == f'{folder}/2.jpg'
    assert folders.find(f'{folder}/A.jpg') is None
    assert folders.find(f'{tmp_path}/b/1.jpg') is None
    assert calls == [folder, f'{tmp_path}/b']


def test_class_folders(tmp_path, put):
    names = ['b/2.png', 'b/1.JPG', 'A/x y.jpeg', '.hidden/3.jpg', '__MACOSX/4.jpg']
    put(tmp_path, *names, 'b/notes.txt', 'b/._1.JPG', 'readme.txt')
    found = list(read_class_folders(tmp_path, {'a': 5, 'b': 3}))
    assert [(s.path, s.label) for s in found] == [
        (str(tmp_path / 'A/x y.jpeg'), 5),
        (str(tmp_path / 'b/1.JPG'), 3),
        (str(tmp_path / 'b/2.png'), 3),
    ]


def test_class_folders_may_be_links(tmp_path, put):
    put(tmp_path, 'store/faces/1.jpg')
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set/a').symlink_to(tmp_path / 'store/faces')
    assert [s.label for s in read_class_folders(tmp_path / 'set', {'a': 2})] == [2]


def test_an_unknown_class_folder(tmp_path, put):
    put(tmp_path, '0/1.jpg')
    with pytest.raises(ValueError, match=r'0 is not the folder of a known class.*1, 2'):
        list(read_class_folders(tmp_path, {'1': 0, '2': 1}))


@pytest.fixture
def rafdb(tmp_path, put):
    return str(put(tmp_path, 'train/1/a.jpg', 'train/3/b.jpg', 'train/3/c.jpg'))


def test_one_line_says_layout_and_counts(rafdb, log):
    RAFDB(rafdb)
    order, line = log.info
    assert "numbered folders are read in RAF-DB's order: 1 Surprise, 2 Fear" in order
    assert "RAF-DB train: layout 'folders' at" in line
    assert '3 images (Surprise 1, Fear 0, Disgust 2' in line


def test_other_counts_than_published_are_one_warning_with_both(rafdb, log):
    RAFDB(rafdb)
    (line,) = log.warnings
    assert 'RAF-DB train has 3 images (Surprise 1, Fear 0, Disgust 2,' in line
    assert 'published dataset has 12,271 images (Surprise 1,290, Fear 281,' in line


def test_published_counts_are_no_warning(rafdb, log, monkeypatch):
    monkeypatch.setitem(RAFDB.PUBLISHED, 'train', (1, 0, 2, 0, 0, 0, 0))
    RAFDB(rafdb)
    assert log.info
    assert not log.warnings


def test_only_the_classes_wanted_are_compared(rafdb, log, monkeypatch):
    monkeypatch.setitem(RAFDB.PUBLISHED, 'train', (1, 0, 9, 0, 0, 0, 0))
    RAFDB(rafdb, label_order=('Fear', 'Surprise'))
    assert not log.warnings
    assert 'images (Fear 0, Surprise 1)' in log.info[-1]


def test_a_dataset_of_another_name_is_not_compared(rafdb, log):
    RAFDB(rafdb, metainfo={'dataset_name': 'My faces'})
    assert log.info[-1].startswith('My faces train')
    assert not log.warnings


def test_the_root_may_begin_with_a_tilde(rafdb, monkeypatch):
    monkeypatch.setenv('HOME', os.path.dirname(rafdb))
    assert len(RAFDB(f'~/{os.path.basename(rafdb)}')) == 3


def test_lazy_initialisation(rafdb):
    dataset = RAFDB(rafdb, lazy_init=True)
    assert len(dataset) == 3


def test_place_of_the_cache(monkeypatch):
    monkeypatch.delenv('MMQCS_CACHE_DIR', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', '/xdg')
    assert str(cache_dir()) == '/xdg/mmqcs'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/me')
    assert str(cache_dir()) == '/home/me/.cache/mmqcs'
