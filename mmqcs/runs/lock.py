"""Lets only one training at a time write to a work dir."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.logging import print_log

LOCK = '.train.lock'
OWNER = '.train.owner'
# The data loading workers of a killed training may hold its lock until they end, within
# five seconds.
WAIT = 7


class WorkDirInUseError(RuntimeError):
    """Another training writes to a work dir."""


@contextmanager
def work_dir_lock(work_dir: str | Path) -> Iterator[None]:
    """Create a work dir and hold its lock, at most until the process ends.

    On a file system without locks, warn and continue without one.

    Raises:
        WorkDirInUseError: Another training holds the lock.
    """
    folder = Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=WAIT)
    except Timeout:
        owner = folder / OWNER
        who = owner.read_text() if owner.is_file() else 'another process'
        raise WorkDirInUseError(
            f'another training writes to {work_dir}: {who}. Wait until it ends, or use '
            f'another --work-dir'
        ) from None
    # filelock raises these on file systems without locks, such as some network ones
    except (OSError, NotImplementedError) as error:
        print_log(
            f'cannot lock {work_dir} ({error}): make sure that no other training '
            f'writes to it',
            level=logging.WARNING,
        )
        yield
        return
    try:
        (folder / OWNER).write_text(f'process {os.getpid()} on {socket.gethostname()}')
        yield
    finally:
        lock.release()
