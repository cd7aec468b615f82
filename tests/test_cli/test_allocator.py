"""Freed memory is used again."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource
import torch
from mmqcs.cli.launch import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(20_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
assert keep_freed_memory()
for _ in range(5):  # until the heap has its size
    faults()
assert faults() < usual / 10, (usual, faults())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != 'glibc', reason='a setting of the GNU C library'
)
def test_no_new_pages_for_each_tensor():
    command = [sys.executable, '-c', COUNT_FAULTS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
