"""Trainings that a program starts, each once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from .options import fail

TRAIN = ('-m', 'mmqcs', 'train')
DONE = 'complete.json'
# The C library gives freed memory back to the system, and every iteration asks for it
# again: 8 to 18 % of the time of a small network on a CPU.
KEEP_MEMORY = {
    'MALLOC_TRIM_THRESHOLD_': '4000000000',
    'MALLOC_MMAP_THRESHOLD_': '4000000000',
}


def train_once(
    config: str,
    seed: int,
    work_dir: Path,
    arguments: Sequence[str],
    log: Path | None = None,
    threads: int | None = None,
) -> dict[str, float]:
    """Train in a process of its own, unless the work dir has the complete run.

    A run that was interrupted is resumed from its last checkpoint.

    Args:
        config: Config file.
        seed: Random seed.
        work_dir: Work dir of the run.
        arguments: Further arguments of ``tools/train.py``.
        log: File for what the training prints; by default it is printed.
        threads: CPU threads of the training; by default its own choice.

    Returns:
        What the training took: ``seconds`` by the clock, ``cpu_seconds`` of all its
        threads and loaders, and ``gpu_seconds``, again by the clock, if it had a GPU.
    """
    settings = {'config': config, 'seed': seed, 'arguments': list(arguments)}
    mark = work_dir / DONE
    if mark.is_file():
        record = json.loads(mark.read_text())
        cost = record.pop('cost', {})
        if record != settings:
            fail(f'{work_dir} has a run with other settings; set another --work-dir')
        return cost
    command = [sys.executable, *TRAIN, config, '--work-dir', str(work_dir)]
    command += ['--resume', '--seed', str(seed), *arguments]
    environment = KEEP_MEMORY | os.environ
    if threads is not None:
        environment['OMP_NUM_THREADS'] = str(threads)
    start = time.perf_counter()
    output = log.open('w') if log else None
    process = subprocess.Popen(
        command, stdout=output, stderr=output and subprocess.STDOUT, env=environment
    )
    # unlike Popen.wait, this returns the CPU time
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if output:
        output.close()
    if process.returncode:
        where = f'; see {log}' if log else ''
        fail(f'{work_dir} ended with status {process.returncode}{where}')
    cost = {
        'seconds': time.perf_counter() - start,
        'cpu_seconds': usage.ru_utime + usage.ru_stime,
    }
    if torch.cuda.is_available():
        cost['gpu_seconds'] = cost['seconds']
    mark.write_text(json.dumps(settings | {'cost': cost}))
    return cost
