"""Every published recipe: two iterations and an evaluation on its data set's layout."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine import Config

from mmqcs.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = {
    'raf': ('rafdb', 7),
    'ferplus': ('ferplus', 8),
    'affectnet7': ('affectnet', 8),
    'affectnet8': ('affectnet2021', 8),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module', params=LAYOUTS)
def laid_out(request, drawn_root):
    """Name of a data set and a folder with drawn faces that looks like it."""
    return request.param, drawn_root(*LAYOUTS[request.param])


@pytest.mark.parametrize('method', ['qcs', 'dcs'])
def test_recipe_runs(run, laid_out, method, tmp_path):
    name, root = laid_out
    path = ROOT / f'configs/qcs/{method}_ir50_{name}.py'
    cfg = Config.fromfile(path)
    dataset = DATASETS.build(
        dict(cfg.val_dataloader.dataset, data_root=str(root), split='train')
    )
    labels = dataset.get_gt_labels()
    assert len(dataset) == 4 * cfg.model.head.num_classes
    four = [int(i) for c in (0, 1) for i in np.flatnonzero(labels == c)[:2]]
    options = [
        *(
            f'{split}_dataloader.dataset.data_root={root}'
            for split in ('train', 'val', 'test')
        ),
        *(f'{split}_dataloader.num_workers=0' for split in ('train', 'val', 'test')),
        f'train_dataloader.dataset.indices={four}'.replace(' ', ''),
        'train_dataloader.batch_size=2',
        'val_dataloader.dataset.indices=4',
        'train_cfg.max_epochs=1',
        'default_hooks.logger.interval=1',
        'default_hooks.checkpoint.interval=-1',
        'default_hooks.checkpoint.save_best=None',
        'default_hooks.report.enable=False',
    ]
    if 'fraction' in cfg.train_dataloader.sampler:
        options.append('train_dataloader.sampler.fraction=1')
    done = run(
        'train.py', path, '--work-dir', 'run', '--cfg-options', *options, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    log = next((tmp_path / 'run').glob('*/vis_data/scalars.json')).read_text()
    records = [json.loads(line) for line in log.splitlines()]
    losses = [record['loss'] for record in records if 'loss' in record]
    assert len(losses) == 2
    assert all(1 < loss < 5 for loss in losses)
    assert 0 <= records[-1]['accuracy/mean_class'] <= 100
    for title in ('Best epoch', 'Last epoch'):
        assert f'{title}: top-1 ' in done.stdout + done.stderr
        assert '95 % interval' in done.stdout + done.stderr
