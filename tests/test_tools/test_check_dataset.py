"""tools/misc/check_dataset.py on trees with and without faults."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
IMAGES = 'basic/Image/aligned'

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(rafdb_root, tmp_path):
    return shutil.copytree(rafdb_root, tmp_path / 'data')


def check(run, tree, *arguments, config=CONFIG, options_after=()):
    splits = ('train', 'val', 'test')
    options = [f'{split}_dataloader.dataset.data_root={tree}' for split in splits]
    return run(
        'misc/check_dataset.py',
        config,
        *('--workers', 1, *arguments, '--cfg-options', *options, *options_after),
        cwd=tree,
    )


def test_a_sound_tree(run, tree):
    done = check(run, tree, '--sheet', 'sheet.png')
    assert done.returncode == 0, done.stderr
    assert "train: 28 images, layout 'official' at" in done.stdout
    assert 'Surprise            4' in done.stdout
    assert 'train: 1 sizes, most often 100 x 100 (28)' in done.stdout
    assert done.stdout.strip().endswith('nothing wrong')
    assert cv2.imread(str(tree / 'sheet.png')).shape[0] == 2 * 7 * 96


def test_everything_that_can_be_wrong(run, tree):
    images = tree / IMAGES
    (images / 'train_00003_aligned.jpg').write_bytes(b'not a picture')
    (images / 'train_00004_aligned.jpg').write_bytes(b'')
    (images / 'train_00005_aligned.jpg').unlink()
    shutil.copy(images / 'train_00001_aligned.jpg', images / 'test_0002_aligned.jpg')
    done = check(run, tree, config=ROOT / 'configs/qcs/qcs_ir50_raf.py')
    assert done.returncode == 1
    assert 'train: other counts than published' in done.stderr
    assert 'published 1,290' in done.stdout
    assert 'train: 3 images cannot be read, 1 of them are missing' in done.stderr
    assert 'train_00003_aligned.jpg: not an image' in done.stderr
    assert 'train_00004_aligned.jpg: the file is empty' in done.stderr
    assert 'val: 1 images are in train as well' in done.stderr


def test_copies_that_are_not_the_same_file(run, tree):
    images = tree / IMAGES
    one, two, three = (
        cv2.imread(str(images / f'train_0000{i}_aligned.jpg')) for i in (1, 2, 3)
    )
    quality = [cv2.IMWRITE_JPEG_QUALITY, 60]
    cv2.imwrite(str(images / 'test_0002_aligned.jpg'), one, quality)
    cv2.imwrite(str(images / 'test_0003_aligned.jpg'), cv2.flip(two, 1))
    png = cv2.imencode('.png', cv2.flip(three, 1))[1].tobytes()
    (images / 'test_0004_aligned.jpg').write_bytes(png)
    done = check(run, tree)
    assert done.returncode == 1
    assert 'val: 3 images are copies of images in train' in done.stderr
    for number, mirrored in ((1, ''), (2, ' mirrored'), (3, ' mirrored')):
        assert (
            f'test_000{number + 1}_aligned.jpg shows {images}/train_0000{number}'
            f'_aligned.jpg{mirrored}\n'
        ) in done.stderr


def test_ctrl_c_stops_it_in_one_line(tmp_path):
    config = tmp_path / 'many.py'
    config.write_text(
        "data = dict(type='mmqcs.SynthFER', num_images=20000)\n"
        'train_dataloader = dict(dataset=data)\n'
    )
    process = subprocess.Popen(
        [sys.executable, ROOT / 'tools/misc/check_dataset.py', config],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, 'PYTHONUNBUFFERED': '1'},
        # a shell's background jobs, such as these tests may be, ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while 'reading 20,000 images' not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == 'stopped'
    assert 'Traceback' not in errors


def test_missing_images_do_not_end_the_report(run, tree):
    (tree / IMAGES / 'train_00003_aligned.jpg').unlink()
    done = check(run, tree)
    assert done.returncode == 1
    assert 'train: 1 images cannot be read, 1 of them are missing' in done.stderr
    assert 'train_00003_aligned.jpg: missing' in done.stderr
    assert 'val: 1 sizes' in done.stdout
    sheet = cv2.imread(str(tree / f'work_dirs/check_dataset/{CONFIG.stem}.png'))
    cells = sheet.reshape(-1, 96, 11, 96, 3).swapaxes(1, 2)
    assert (cells == 128).all(axis=(2, 3, 4)).sum() == 1


def test_a_split_that_is_not_there(run, tree, tmp_path):
    options = f'train_dataloader.dataset.data_root={tmp_path / "nowhere"}'
    done = check(run, tree, options_after=[options])
    assert done.returncode == 1
    assert 'train: RAF-DB not found' in done.stderr
    assert 'val: 14 images' in done.stdout
    assert 'Traceback' not in done.stderr
