"""Published recipes in full size: two iterations, an evaluation, and the summary."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine import Config

from mmqcs.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ('recipe', 'layout', 'classes'),
    [('qcs_ir50_raf', 'rafdb', 7), ('dcs_ir50_affectnet8', 'affectnet2021', 8)],
)
def test_recipe_runs(run, drawn_root, recipe, layout, classes, tmp_path):
    root = drawn_root(layout, classes)
    path = ROOT / f'configs/qcs/{recipe}.py'
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
    assert 'checkpoints/ir50.pth does not exist' in done.stdout + done.stderr
    log = next((tmp_path / 'run').glob('*/vis_data/scalars.json')).read_text()
    records = [json.loads(line) for line in log.splitlines()]
    losses = [record['loss'] for record in records if 'loss' in record]
    assert len(losses) == 2
    assert all(1 < loss < 5 for loss in losses)
    assert 0 <= records[-1]['accuracy/mean_class'] <= 100
    for title in ('Best epoch', 'Last epoch'):
        assert f'{title}: top-1 ' in done.stdout + done.stderr
        assert '95 % interval' in done.stdout + done.stderr
