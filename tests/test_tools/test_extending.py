"""docs/extending.md, executed: its classes and its config train and are tested."""

import json
import os

import cv2
import numpy as np
import pytest
from doc_case import ROOT, blocks

from mmqcs.datasets import RAFDB

pytestmark = pytest.mark.slow

# the parts of the page, and the package of this tree, whatever is installed
PATHS = f'{{}}{os.pathsep}{ROOT}'
WORDS = ('Fear', 'Happiness', 'Anger')


@pytest.fixture(scope='module')
def folder(tmp_path_factory, rafdb_root):
    """The files of the page, and a few drawn faces in its data set's layout."""
    folder = tmp_path_factory.mktemp('own')
    *parts, config = blocks(ROOT / 'docs/extending.md', 'python')
    assert len(parts) == 4
    (folder / 'my_parts.py').write_text('\n\n'.join(part.code for part in parts))
    (folder / 'my_config.py').write_text(config.code)
    (folder / 'configs').symlink_to(ROOT / 'configs')
    data = folder / 'data/listed'
    data.mkdir(parents=True)
    for split in ('train', 'test'):
        faces = RAFDB(data_root=str(rafdb_root), split=split)
        rows = ['path,expression']
        for i in range(len(faces)):
            info = faces.get_data_info(i)
            name = faces.CLASSES[info['gt_label']]
            if name in WORDS:
                rows.append(f'{info["img_path"]},{name}')
        (data / f'{split}.csv').write_text('\n'.join(rows) + '\n')
    return folder


def test_the_parts_train_together(run, folder):
    options = ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=3']
    options += [f'{split}_dataloader.num_workers=0' for split in ('train', 'val')]
    arguments = ['my_config.py', '--work-dir', 'run', '--cfg-options', *options]
    done = run('train.py', *arguments, cwd=folder, PYTHONPATH=PATHS.format(folder))
    assert done.returncode == 0, done.stderr
    log = next(folder.glob('run/*/vis_data/scalars.json'))
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert any('accuracy/top1' in record for record in records)
    text = next(folder.glob('run/*/*.log')).read_text()
    assert 'loss_triplet' in text
    assert 'ThreeConvs' in text


def test_the_data_set_is_checked(run, folder):
    done = run(
        'misc/check_dataset.py',
        'my_config.py',
        cwd=folder,
        PYTHONPATH=PATHS.format(folder),
    )
    assert done.returncode == 0, done.stderr
    broken = folder / 'data/listed/broken.jpg'
    cv2.imwrite(str(broken), np.zeros((8, 8, 3), np.uint8))
    broken.write_bytes(broken.read_bytes()[:40])
    with (folder / 'data/listed/train.csv').open('a') as file:
        file.write('broken.jpg,Fear\n')
    done = run(
        'misc/check_dataset.py',
        'my_config.py',
        cwd=folder,
        PYTHONPATH=PATHS.format(folder),
    )
    assert done.returncode != 0
    assert 'broken.jpg' in done.stdout + done.stderr
