"""tools/dataset_converters/class_folders_to_rafdb.py."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tool_helpers import check_error, load_tool

converter = load_tool('dataset_converters/class_folders_to_rafdb')
Convert = Callable[..., None]


def write(path: Path, value: int) -> bytes:
    """Write an image of one grey level, so that it can be told apart later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((8, 8, 3), value, np.uint8))
    return path.read_bytes()


@pytest.fixture
def convert(monkeypatch) -> Convert:
    """Run the program in this process."""

    def run(*args: object) -> None:
        monkeypatch.setattr(sys, 'argv', ['class_folders_to_rafdb.py', *map(str, args)])
        converter.main()

    return run


def content(out: Path) -> dict[str, tuple[int, int]]:
    """Name in the list -> (label, grey level of the image)."""
    result = {}
    text = (out / 'basic/EmoLabel/list_patition_label.txt').read_text()
    for line in text.splitlines():
        name, label = line.split()
        aligned = out / 'basic/Image/aligned' / name.replace('.jpg', '_aligned.jpg')
        result[name] = int(label), int(cv2.imread(str(aligned)).mean().round())
    return result


def test_labels_follow_the_names_and_not_the_order(convert, tmp_path, capsys):
    src, out = tmp_path / 'src', tmp_path / 'out'
    copied = write(src / 'Training' / 'Angry' / 'b.jpg', 10)
    write(src / 'Training' / 'angry' / 'c.JPG', 15)
    write(src / 'Training' / '1' / 'a.jpg', 20)
    write(src / 'Training' / 'HAPPY' / 'deep' / 'a.png', 30)
    write(src / 'Validation' / 'neutral' / 'a.bmp', 40)
    write(src / 'Validation' / 'sadness' / 'a.jpg', 50)
    (src / 'Validation' / 'sadness' / '.DS_Store').touch()

    convert(src, out)

    assert content(out) == {
        'train_00001.jpg': (1, 20),
        'train_00002.jpg': (4, 30),
        'train_00003.jpg': (6, 10),
        'train_00004.jpg': (6, 15),
        'test_0001.jpg': (5, 50),
        'test_0002.jpg': (7, 40),
    }
    images = out / 'basic' / 'Image' / 'aligned'
    assert (images / 'train_00003_aligned.jpg').read_bytes() == copied
    with (out / 'sources.csv').open(newline='') as table:
        sources = dict(csv.reader(table))
    assert sources['train_00002_aligned.jpg'] == 'Training/HAPPY/deep/a.png'
    assert len(sources) == 7
    printed = capsys.readouterr().out.splitlines()
    assert printed[6].split() == ['Anger', '2', '0']
    assert printed[8].split() == ['all', '4', '2']


def test_png_named_jpg_is_encoded(convert, tmp_path):
    src, out = tmp_path / 'src', tmp_path / 'out'
    png = write(tmp_path / 'a.png', 77)
    for split in ('train', 'test'):
        (src / split / 'fear').mkdir(parents=True)
        (src / split / 'fear' / 'a.jpg').write_bytes(png)
    convert(src, out)
    written = next(out.rglob('test_0001_aligned.jpg')).read_bytes()
    assert written.startswith(b'\xff\xd8\xff')


@pytest.fixture
def src(tmp_path) -> Path:
    """Two splits with one image each."""
    for split in ('train', 'test'):
        write(tmp_path / 'src' / split / 'fear' / 'a.jpg', 1)
    return tmp_path / 'src'


def test_map_and_skip(convert, src, tmp_path):
    write(src / 'train' / 'Wut' / 'a.jpg', 2)
    write(src / 'train' / 'contempt' / 'a.jpg', 3)
    convert(src, tmp_path / 'out', '--classes-map', 'wut=anger', '--skip', 'Contempt')
    labels = [label for label, _ in content(tmp_path / 'out').values()]
    assert labels == [2, 6, 2]


def test_choice_of_the_test_split(convert, src, tmp_path, capsys):
    write(src / 'val' / 'anger' / 'a.jpg', 2)
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out')
    check_error(stop.value, capsys.readouterr().err, 'test, val')
    convert(src, tmp_path / 'out', '--test-split', 'val')
    assert content(tmp_path / 'out')['test_0001.jpg'] == (6, 2)


def unknown_class(src: Path) -> tuple[str, str]:
    write(src / 'train' / 'bored' / 'a.jpg', 1)
    return 'train/bored', 'surprise, '


def unreadable(src: Path) -> tuple[str, str]:
    (src / 'train' / 'fear' / 'b.jpg').write_bytes(b'\xff\xd8\xffno image')
    return 'unreadable image', 'train/fear/b.jpg'


def empty_file(src: Path) -> tuple[str, str]:
    (src / 'test' / 'fear' / 'b.jpg').touch()
    return 'unreadable image', 'test/fear/b.jpg'


def no_images(src: Path) -> tuple[str, str]:
    (src / 'test' / 'fear' / 'a.jpg').unlink()
    return 'no images', 'src/test'


def no_split(src: Path) -> tuple[str, str]:
    (src / 'train').rename(src / 'practice')
    return 'no split folder', 'train or training'


@pytest.mark.parametrize(
    'spoil', [unknown_class, unreadable, empty_file, no_images, no_split]
)
def test_errors_leave_no_output(convert, src, tmp_path, capsys, spoil):
    expected = spoil(src)
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out')
    stderr = capsys.readouterr().err
    for message in expected:
        check_error(stop.value, stderr, message)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('pair', ['wut', 'wut=rage', '=anger'])
def test_bad_map(convert, src, tmp_path, capsys, pair):
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out', '--classes-map', pair)
    check_error(stop.value, capsys.readouterr().err, f'--classes-map {pair}')


def test_output_exists(convert, src, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out')
    check_error(stop.value, capsys.readouterr().err, 'exists already')


def test_class_order_is_the_order_of_the_data_set():
    from mmqcs.datasets import RAFDB

    assert RAFDB.METAINFO['classes'] == converter.CLASSES
