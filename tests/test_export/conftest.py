"""Small QCS model that has memorised a few rendered faces."""

from pathlib import Path

import pytest
import torch
from mmengine import Config
from mmengine.registry import DefaultScope

from mmqcs.export.pipeline import ConfigFaces
from mmqcs.export.source import read_source
from mmqcs.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture(scope='session')
def small_config(rafdb_root):
    """Config of the small model with 28 training and 14 test faces."""
    config = Config.fromfile(SMALL)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(rafdb_root)
    return config


@pytest.fixture(scope='session')
def small_checkpoint(small_config, tmp_path_factory):
    """Weights whose classes and scores differ from face to face."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(small_config.model)
        model.init_weights()
        (batch,) = ConfigFaces(small_config).train_batches(16)
    data = {'inputs': batch.images, 'data_samples': batch.samples}
    data = model.data_preprocessor(data)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    model.train()
    for _ in range(10):
        feats = model.extract_feat(data['inputs'])
        loss = model.head.loss(feats, data['data_samples'])['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path_factory.mktemp('small') / 'small.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return str(path)


@pytest.fixture(scope='session')
def small_source(small_config, small_checkpoint):
    """The small model with its preprocessing, and all test faces."""
    return read_source(small_config, small_checkpoint, 'faces', 14)
