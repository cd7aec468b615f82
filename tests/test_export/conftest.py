"""A small QCS model that has learnt a few drawn faces by heart."""

from pathlib import Path

import pytest
import torch
from mmengine import Config
from mmengine.registry import DefaultScope

from mmqcs.export.faces import FaceData
from mmqcs.export.network import build_classifier

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture(scope='session')
def small_config(rafdb_root):
    """The config of the small model on drawn faces: 28 to train on, 14 to test."""
    config = Config.fromfile(SMALL)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(rafdb_root)
    return config


@pytest.fixture(scope='session')
def small_checkpoint(small_config, tmp_path_factory):
    """Weights with which classes and scores differ from face to face."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = build_classifier(small_config)
        model.init_weights()
        (batch,) = FaceData(small_config).calibration(16)
    batch = model.data_preprocessor(batch)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    model.train()
    for _ in range(10):
        feats = model.extract_feat(batch['inputs'])
        loss = model.head.loss(feats, batch['data_samples'])['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path_factory.mktemp('small') / 'small.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    return str(path)
