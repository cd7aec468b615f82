"""The programs that write SynthFER to disk."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmqcs.datasets import RAFDB
from mmqcs.synth import SynthFERSettings, labels, render

pytest_plugins = 'program_runner'

TOOLS = Path(__file__).parents[2] / 'tools'
CONVERTER = TOOLS / 'dataset_converters/synth_fer.py'
IMAGES = Path('basic/Image/aligned')
LIST = Path('basic/EmoLabel/list_patition_label.txt')


def convert(*arguments: object) -> subprocess.CompletedProcess:
    """Runs the program as a user does."""
    command = [sys.executable, CONVERTER, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob('*') if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope='module')
def written(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp('synthfer') / 'out'
    done = convert(out, '--train', 15, '--test', 7, '--workers', 1, '--seed', 3)
    assert done.returncode == 0, done.stderr
    return out


def test_layout_is_raf_dbs(written):
    settings = SynthFERSettings(seed=3)
    lines = (written / LIST).read_text()
    assert not lines.endswith('\n')
    train, test = (labels(settings, s, n) + 1 for s, n in (('train', 15), ('test', 7)))
    expected = [f'train_{i:05d}.jpg {label}' for i, label in enumerate(train, 1)]
    expected += [f'test_{i:04d}.jpg {label}' for i, label in enumerate(test, 1)]
    assert lines.split('\n') == expected
    names = {name.name for name in (written / IMAGES).iterdir()}
    assert names == {line.split('.')[0] + '_aligned.jpg' for line in expected}
    picture = cv2.imread(str(written / IMAGES / 'test_0003_aligned.jpg'))
    drawn = render(settings, 'test', 2)
    assert np.abs(picture.astype(int) - drawn).mean() < 6  # JPEG


def test_raf_db_reads_it(written):
    data = RAFDB(str(written), split='test', pipeline=[dict(type='LoadImageFromFile')])
    expected = labels(SynthFERSettings(seed=3), 'test', 7)
    np.testing.assert_array_equal(data.get_gt_labels(), expected)
    assert data[6]['img'].shape == (100, 100, 3)


def test_workers_do_not_change_a_byte(written, tmp_path):
    out = tmp_path / 'two'
    done = convert(out, '--train', 15, '--test', 7, '--workers', 2, '--seed', 3)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(written)


def test_same_settings_are_skipped_and_others_refused(run, written):
    before = contents(written)
    again = run(CONVERTER, written, '--train', 15, '--test', 7, '--seed', 3)
    assert again.returncode == 0
    assert 'is complete' in again.stdout
    other = run(CONVERTER, written, '--train', 15, '--test', 7, '--seed', 4)
    assert other.returncode == 2
    assert 'seed: 3, not 4' in other.stderr
    assert '--overwrite' in other.stderr
    assert contents(written) == before


def test_interrupted_run_is_resumed(run, written, tmp_path):
    out = tmp_path / 'out'
    for name, data in contents(written).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    (out / LIST).unlink()
    (out / IMAGES / 'train_00009_aligned.jpg').unlink()
    mark = json.loads((out / 'synthfer.json').read_text())
    (out / 'synthfer.json').write_text(json.dumps({**mark, 'complete': False}))
    done = run(CONVERTER, out, '--train', 15, '--test', 7, '--workers', 1, '--seed', 3)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(written)


def test_overwrite_leaves_nothing_of_before(run, tmp_path):
    out = tmp_path / 'out'
    assert (
        run(CONVERTER, out, '--train', 9, '--test', 2, '--workers', 1).returncode == 0
    )
    options = ('--train', 8, '--test', 1, '--image-size', 40)
    done = run(CONVERTER, out, *options, '--workers', 1, '--overwrite')
    assert done.returncode == 0, done.stderr
    files = list((out / IMAGES).iterdir())
    assert len(files) == 9
    assert cv2.imread(str(files[0])).shape == (40, 40, 3)
    assert len((out / LIST).read_text().split('\n')) == 9


def test_overwrite_in_another_layout(run, tmp_path):
    out = tmp_path / 'out'
    tables = ('--layout', 'affectnet', '--train', 2, '--test', 1, '--workers', 1)
    assert run(CONVERTER, out, *tables, '--classes', 8).returncode == 0
    (out / 'affectnet_training-cls7-v7.txt').write_text('mine')  # not of that run
    (out / 'CAER-S').mkdir()
    before = contents(out)
    caer_s = ('--layout', 'caer-s', '--train', 1, '--test', 1, '--workers', 1)
    refused = run(CONVERTER, out, *caer_s, '--overwrite')
    assert refused.returncode == 2
    assert 'CAER-S exists and was not written as SynthFER' in refused.stderr
    assert contents(out) == before
    (out / 'CAER-S').rmdir()
    assert run(CONVERTER, out, *caer_s, '--overwrite').returncode == 0
    names = {path.name for path in out.iterdir()}
    assert names == {'CAER-S', 'synthfer.json', 'affectnet_training-cls7-v7.txt'}


def test_the_table_with_pixels_is_the_only_file(run, tmp_path):
    out = tmp_path / 'out'
    options = '--layout', 'fer2013-csv', '--train', 4, '--test', 2
    assert run(CONVERTER, out, *options, '--workers', 2).returncode == 0
    assert set(contents(out)) == {'fer2013.csv', 'synthfer.json'}


def test_other_data_is_never_touched(run, tmp_path):
    (tmp_path / LIST).parent.mkdir(parents=True)
    (tmp_path / LIST).write_text('train_00001.jpg 5')
    done = run(CONVERTER, tmp_path, '--train', 1, '--test', 0, '--overwrite')
    assert done.returncode == 2
    assert 'was not written as SynthFER' in done.stderr
    assert contents(tmp_path) == {str(LIST): b'train_00001.jpg 5'}


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('--train', -1),
        ('--test', -5),
        ('--workers', 0),
        ('--difficulty', 1.2),
        ('--classes', 9),
        ('--image-size', 16),
        ('--seed', -2),
    ],
)
def test_bad_options_are_named(run, tmp_path, option, value):
    done = run(CONVERTER, tmp_path / 'out', option, value)
    assert done.returncode == 2
    assert option in done.stderr and str(value) in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out').exists()
