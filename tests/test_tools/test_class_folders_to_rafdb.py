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
    write(src / 'Training' / 'Surprised' / 'a.jpg', 20)
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
    check_error(stop.value, capsys.readouterr().err, f'--map {pair}')


def test_output_exists(convert, src, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out')
    check_error(stop.value, capsys.readouterr().err, 'exists already')


def numbered(root: Path, names, splits=('train', 'val')) -> Path:
    """Class folders whose images have ten times the number as grey level."""
    for split in splits:
        for level, name in enumerate(names):
            write(root / split / str(name) / 'a.jpg', 10 * level)
    return root


def levels(out: Path) -> dict[int, int]:
    """Number of the folder -> label of its image, in the training split."""
    found = content(out).items()
    return {level // 10: label for name, (label, level) in found if name[1] == 'r'}


# label from 1 to 7 of the folders, by the classes that each dataset documents
AFFECTNET = {0: 7, 1: 4, 2: 5, 3: 1, 4: 2, 5: 3, 6: 6}
FERPLUS = {0: 7, 1: 4, 2: 1, 3: 5, 4: 6, 5: 3, 6: 2}
FER2013 = {0: 6, 1: 3, 2: 2, 3: 4, 4: 5, 5: 1, 6: 7}


@pytest.mark.parametrize(
    ('count', 'options', 'expected'),
    [
        (8, ['--order', 'affectnet', '--skip', 7], AFFECTNET),
        (7, ['--order', 'affectnet'], AFFECTNET),
        (7, ['--order', 'ferplus'], FERPLUS),
        (7, ['--order', 'fer2013'], FER2013),
        (7, ['--order', 'rafdb-from-0'], {i: i + 1 for i in range(7)}),
        (2, ['--map', '0=Neutral', '1=happy'], {0: 7, 1: 4}),
        (3, ['--map', '0=Neutral', '1=happy', '--skip', 2], {0: 7, 1: 4}),
        (3, ['--map', '2=fear', '--order', 'affectnet'], {0: 7, 1: 4, 2: 2}),
    ],
)
def test_numbers_of_other_datasets(convert, tmp_path, count, options, expected):
    convert(numbered(tmp_path / 'src', range(count)), tmp_path / 'out', *options)
    assert levels(tmp_path / 'out') == expected


def test_exactly_1_to_7_are_the_numbers_of_rafdb(convert, tmp_path, capsys):
    src = numbered(tmp_path / 'src', range(1, 8))
    convert(src, tmp_path / 'out')
    assert levels(tmp_path / 'out') == {i: i + 1 for i in range(7)}
    assert 'in the order rafdb: 1 Surprise, 2 Fear, 3' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('names', 'options'),
    [
        (range(8), []),
        (range(8), ['--skip', 0]),  # the other folders are still AffectNet's
        (range(7), []),
        (range(1, 9), []),
        (range(1, 9), ['--skip', 8]),
        (range(1, 7), []),
        ([1, 2, 3, 4, 5, 6, 7, 'contempt'], ['--skip', 'contempt']),
        ([1, 2, 'sad'], []),
        (range(3), ['--map', '0=neutral', '1=happy']),
        (range(1, 8), ['--map', '1=neutral']),
        (['01', '02'], []),
    ],
    ids=str,
)
def test_the_order_of_numbers_is_never_guessed(
    convert, tmp_path, capsys, names, options
):
    src = numbered(tmp_path / 'src', names)
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out', *options)
    stderr = capsys.readouterr().err
    check_error(stop.value, stderr, '--order (rafdb, rafdb-from-0, affectnet, ferplus')
    assert '=CLASS' in stderr and '--skip' not in stderr
    assert not (tmp_path / 'out').exists()


def test_a_number_in_one_split_only(convert, tmp_path, capsys):
    src = numbered(tmp_path / 'src', range(1, 8), splits=['train'])
    numbered(src, range(8), splits=['val'])
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out')
    check_error(stop.value, capsys.readouterr().err, '0, 1, 2, 3, 4, 5, 6, 7')


@pytest.mark.parametrize(
    ('names', 'order', 'message'),
    [
        (range(8), 'affectnet', 'class folder 7 is Contempt, which RAF-DB lacks'),
        (range(8), 'ck-plus', 'class folder 2 is Contempt, which RAF-DB lacks'),
        (range(8), 'fer2013', 'class folder 7 is not a class in the order fer2013'),
        (range(8), 'rafdb', 'class folder 0 is not a class in the order rafdb'),
    ],
)
def test_numbers_that_rafdb_lacks(convert, tmp_path, capsys, names, order, message):
    src = numbered(tmp_path / 'src', names)
    with pytest.raises(SystemExit) as stop:
        convert(src, tmp_path / 'out', '--order', order)
    check_error(stop.value, capsys.readouterr().err, message)


def test_advice_on_the_number_that_rafdb_lacks_is_right(convert, tmp_path, capsys):
    src = numbered(tmp_path / 'src', range(8))
    with pytest.raises(SystemExit):
        convert(src, tmp_path / 'out', '--order', 'affectnet')
    assert 'Skip it with --skip 7' in capsys.readouterr().err
    convert(src, tmp_path / 'out', '--order', 'affectnet', '--skip', 7)
    assert levels(tmp_path / 'out') == AFFECTNET
