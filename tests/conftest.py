"""What all tests share: the default scope of the configs, and one thread."""

import contextlib
import functools
import gc
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.visualization import Visualizer

from mmqcs.synth import SynthFERSettings, labels, render
from mmqcs.synth.folders import FOLDER_WRITERS, write_file

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


def own_current_run():
    """The visualizer and the log of a run made here are not those of the next one."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Visualizer, MessageHub, MMLogger):
            patch.setattr(kind, '_instance_dict', kind._instance_dict.copy())
        yield


own_current_run_of_a_test = pytest.fixture(own_current_run, autouse=True)


@pytest.fixture(autouse=True, scope='module')
def own_current_run_of_a_file():
    """The same for the fixtures of a file; those of the session must keep apart."""
    assert [*MMLogger._instance_dict] == ['mmqcs-tests'], 'a run without apart()'
    yield from own_current_run()


@pytest.fixture(scope='session')
def apart():
    """Context for a run in a fixture of the session."""
    return contextlib.contextmanager(own_current_run)


@pytest.fixture(autouse=True)
def own_safe_globals(monkeypatch):
    """What a test lets torch load, or not, is forgotten after it."""
    for name in ('TORCH_FORCE_WEIGHTS_ONLY_LOAD', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'):
        monkeypatch.setenv(name, '0')  # so that the first value is put back
        monkeypatch.delenv(name)
    before = torch.serialization.get_safe_globals()
    yield
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(before)


@pytest.fixture
def repeatable_gpu():
    """No TF32, and deterministic kernels only."""
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = False
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
    for backend, allowed in zip(backends, before, strict=True):
        backend.allow_tf32 = allowed


@pytest.fixture(scope='session')
def drawn_root(tmp_path_factory):
    """Gives the root of a small tree of drawn faces in a layout, made once.

    Four faces a class to train on, two to test.
    """

    @functools.cache
    def make(layout, classes):
        root = tmp_path_factory.mktemp(layout)
        settings = SynthFERSettings(num_classes=classes)
        counts = {'train': 4 * classes, 'test': 2 * classes}
        found = {split: labels(settings, split, n) for split, n in counts.items()}
        writer = FOLDER_WRITERS[layout](found, settings)
        for image in writer.images():
            face = render(settings, image.split, image.index, image.label)
            write_file(root / image.path, [writer.encode(face, image)])
        writer.write_labels(root)
        return root

    return make


@pytest.fixture(scope='session')
def rafdb_root(drawn_root):
    """A small RAF-DB tree of drawn faces: 28 to train on, 14 to test."""
    return drawn_root('rafdb', 7)


def pytest_collection_finish():
    """Imported objects live to the end, so Python need not search them for garbage."""
    gc.freeze()
