"""What all tests share: the default scope of the configs, and one thread."""

import functools
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


@pytest.fixture(autouse=True)
def own_safe_globals():
    """What a test lets torch load with weights_only=True is forgotten after it."""
    before = torch.serialization.get_safe_globals()
    yield
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(before)


@pytest.fixture(scope='session')
def drawn_root(tmp_path_factory):
    """Gives the root of a small tree of drawn faces in a layout, made once.

    Four faces a class to train on, two to test.
    """

    @functools.cache
    def make(layout, classes):
        root = tmp_path_factory.mktemp(layout)
        tool = ROOT / 'tools/dataset_converters/synth_fer.py'
        sizes = ['--train', 4 * classes, '--test', 2 * classes, '--classes', classes]
        options = ['--layout', layout, '--workers', 1, *sizes]
        subprocess.run([sys.executable, tool, root, *map(str, options)], check=True)
        return root

    return make


@pytest.fixture(scope='session')
def rafdb_root(drawn_root):
    """A small RAF-DB tree of drawn faces: 28 to train on, 14 to test."""
    return drawn_root('rafdb', 7)
