"""A training that is killed at any moment goes on as if it had not been."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import config
from mmengine.fileio import LocalBackend
from mmengine.runner import EpochBasedTrainLoop, ValLoop
from tool_helpers import load_tool

from mmqcs.runs.log import read_validations

CONFIG = """
_base_ = {base!r}
optim_wrapper = dict(
    type='mmqcs.SAMAmpOptimWrapper', rho=0.05, dtype='bfloat16',
    optimizer=dict(_delete_=True, type='Adam', lr=0.01))
custom_hooks = [
    dict(type='mmqcs.SAMHook'),
    dict(type='EMAHook', momentum=0.3, update_buffers=True)]
param_scheduler = dict(type='ExponentialLR', gamma=0.9, by_epoch=True)
train_cfg = dict(max_epochs=2)
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=1))
log_level = 'WARNING'
"""


class Events:
    """Counts what a run does, and kills it at a given moment."""

    def __init__(self, last: int | None) -> None:
        self.last = last
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, owner: object, name: str, title: str = '') -> None:
        stock = getattr(owner, name)

        def method(*args, **kwargs):
            self(title or name)
            return stock(*args, **kwargs)

        setattr(owner, name, method)

    def install(self) -> None:
        self.before(EpochBasedTrainLoop, 'run_iter')
        self.before(ValLoop, 'run_iter', 'val_iter')
        self.before(os, 'fsync')
        self.before(os, 'replace')
        self.before(Path, 'unlink')
        put = LocalBackend.put

        def half(backend, content, path):
            self('open')
            with open(path, 'wb') as file:
                file.write(content[: len(content) // 2])
            self('half')
            put(backend, content, path)
            self('full')

        LocalBackend.put = half


def in_child(action: Callable[[], None], log: Path) -> int:
    """Run something in a forked process, and return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    gc.freeze()  # datasets call gc.collect, slow with all that the parent imported
    # the layout of the config text would take half of the time
    config.FormatCode = lambda text, **_: (text, True)
    try:
        with log.open('w') as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        action()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


@pytest.fixture(scope='module')
def train(toy_config, tmp_path_factory) -> Callable[..., int]:
    module = load_tool('train')
    folder = tmp_path_factory.mktemp('killed')
    path = folder / 'killed.py'
    path.write_text(CONFIG.format(base=str(toy_config)))

    def run(work_dir: Path, *args: str, last: int | None = None) -> int:
        def action() -> None:
            events = Events(last)
            events.install()
            sys.argv = ['train.py', str(path), '--work-dir', str(work_dir), *args]
            module.main()
            (work_dir / 'events').write_text(' '.join(events.names))

        return in_child(action, work_dir.with_suffix('.log'))

    return run


@pytest.fixture(scope='module')
def unbroken(train, tmp_path_factory) -> Path:
    work_dir = tmp_path_factory.mktemp('unbroken') / 'run'
    assert train(work_dir) == 0, work_dir.with_suffix('.log').read_text()
    return work_dir


def state(work_dir: Path) -> dict:
    """All that a run leaves, except times."""
    files = {path.name: path for path in work_dir.glob('*.pth')}
    keys = 'state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'
    loaded = {n: torch.load(p, weights_only=False) for n, p in files.items()}
    return {
        'weights': {
            name: {key: content.get(key) for key in keys}
            for name, content in loaded.items()
        },
        'validations': read_validations(work_dir),
        'last': (work_dir / 'last_checkpoint').read_text().rpartition('/')[2],
    }


def moments(names: list[str]) -> list[int]:
    """Return 20 moments: 13 inside saves, 4 in iterations and 3 in validations."""
    iterations = [i for i, name in enumerate(names) if name == 'run_iter']
    validations = [i for i, name in enumerate(names) if name == 'val_iter']
    saves = [i for i, n in enumerate(names) if n not in ('run_iter', 'val_iter')]
    chosen = np.linspace(0, len(saves) - 1, 13).round().astype(int)
    return [*(saves[i] for i in chosen), *iterations[2:], *validations[1:]]


@pytest.mark.slow
def test_each_resume_ends_as_the_unbroken_run(train, unbroken, tmp_path):
    names = (unbroken / 'events').read_text().split()
    chosen = moments(names)
    assert len(set(chosen)) == 20
    expected = state(unbroken)
    for moment in chosen:
        work_dir = tmp_path / f'{moment}_{names[moment]}'
        assert train(work_dir, last=moment) == -signal.SIGKILL
        log = work_dir.with_suffix('.log')
        assert train(work_dir, '--resume') == 0, log.read_text()
        found = state(work_dir)
        # a kill before the last step of a save can leave an outdated file
        found['weights'] = {k: found['weights'].get(k) for k in expected['weights']}
        assert_same(found, expected, work_dir.name)
        assert not list(work_dir.glob('*draft'))


def assert_same(found: object, expected: object, where: str) -> None:
    """Compare nested containers bit by bit."""
    assert type(found) is type(expected), where
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected:
            assert_same(found[key], expected[key], f'{where}/{key}')
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected), where
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, pair in enumerate(zip(found, expected, strict=True)):
            assert_same(*pair, f'{where}/{i}')
    else:
        assert found == expected, where
