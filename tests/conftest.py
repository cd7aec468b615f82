"""What all tests share: the default scope of the configs, and one thread."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope, init_default_scope

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

init_default_scope('mmpretrain')
# init_weights logs every parameter
MMLogger.get_instance('mmqcs-tests', log_level='WARNING')


@pytest.fixture(autouse=True)
def fixed_seed():
    """Tests of modules draw from the global generator; each starts afresh."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def mmpretrain_scope():
    """Runners made by a test change the default scope; the next must not see it."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


@pytest.fixture(scope='session')
def rafdb_root(tmp_path_factory):
    """A small RAF-DB tree of drawn faces: 28 to train on, 14 to test."""
    root = tmp_path_factory.mktemp('rafdb')
    tool = ROOT / 'tools/dataset_converters/synth_fer.py'
    arguments = ['--train', '28', '--test', '14', '--workers', '1', '--overwrite']
    subprocess.run([sys.executable, tool, root, *arguments], check=True)
    return root
