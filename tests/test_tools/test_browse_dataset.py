"""The picture of the batches that a model is trained on."""

import cv2
import numpy as np
import pytest
from tool_helpers import ROOT, load_tool

from mmqcs.functional.ring import QUADRUPLET

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.mark.parametrize(('phase', 'shape'), [('train', (684, 720)), ('test', None)])
def test_draws_a_group_a_row(run, rafdb_root, tmp_path, phase, shape):
    option = f'{phase}_dataloader.dataset.data_root={rafdb_root}'
    args = ['--phase', phase, '--batch-size', 3, '--cfg-options', option]
    done = run('visualization/browse_dataset.py', SMALL, *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    picture = cv2.imread(str(tmp_path / f'browse/{phase}_0.png'))
    assert shape is None or picture.shape[:2] == shape
    assert picture.std() > 10


def test_shows_what_the_network_sees():
    tool = load_tool('visualization/browse_dataset')
    images = np.zeros((8, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = range(8)
    labels = list('abcdefgh')
    figure = tool.draw(images, labels, QUADRUPLET.branches, 'small, train')
    titles = [axes.get_title().split('\n') for axes in figure.axes]
    branches = ['anchor', 'positive', 'negative', 'second negative']
    assert [title[0] for title in titles] == 2 * branches
    assert [title[1] for title in titles] == list('acegbdfh')  # branch-major
    assert figure.get_suptitle() == 'small, train'
    shown = [axes.images[0].get_array()[0, 0, 0] for axes in figure.axes]
    assert shown == [0, 2, 4, 6, 1, 3, 5, 7]


def test_missing_data_is_one_line(run, tmp_path):
    done = run('visualization/browse_dataset.py', SMALL, cwd=tmp_path)
    assert done.returncode == 2
    assert 'mmqcs: ' in done.stderr.splitlines()[-1] or 'data/synthfer' in done.stderr
    assert 'Traceback' not in done.stderr
