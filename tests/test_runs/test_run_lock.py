"""One training per work dir."""

import os
import signal
import time

import pytest

from mmqcs.runs import lock as run_lock
from mmqcs.runs.lock import WorkDirInUseError, work_dir_lock


def _hold(folder, workers=False):
    """Fork a process that holds the lock until it is killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with work_dir_lock(folder):
            if workers and not os.fork():
                time.sleep(3)  # like a data loading worker that outlives its parent
                os._exit(0)
            os.write(writer, b'x')
            time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    return child


def test_the_second_training_names_the_work_dir_and_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, 'WAIT', 0)
    child = _hold(tmp_path / 'run')
    try:
        before = sorted(os.listdir(tmp_path / 'run'))
        with (
            pytest.raises(
                WorkDirInUseError, match=f'{tmp_path}/run: process {child} on'
            ),
            work_dir_lock(tmp_path / 'run'),
        ):
            pass
        assert sorted(os.listdir(tmp_path / 'run')) == before
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_the_lock_ends_with_a_killed_process_that_has_workers(tmp_path):
    child = _hold(tmp_path, workers=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with work_dir_lock(tmp_path):
        pass


def test_the_lock_can_be_taken_again_after_its_end(tmp_path):
    for _ in range(2):
        with work_dir_lock(tmp_path):
            pass


def test_a_file_system_without_locks_is_a_warning(
    tmp_path, monkeypatch, caplog, capsys
):
    class NoLock:
        def __init__(self, path):
            pass

        def acquire(self, timeout):
            raise OSError(37, 'No locks available')

    monkeypatch.setattr(run_lock, 'FileLock', NoLock)
    with work_dir_lock(tmp_path):
        pass
    output = caplog.text + ''.join(capsys.readouterr())
    assert f'cannot lock {tmp_path}' in output
