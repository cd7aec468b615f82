"""python -m mmqcs.collect_env, for bug reports."""

import subprocess
import sys

import torch

from mmqcs import collect_env
from mmqcs.version import __version__


def test_the_program_prints_versions():
    command = [sys.executable, '-W', 'ignore', '-m', 'mmqcs.collect_env']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(': ', 1) for line in done.stdout.splitlines())
    assert lines['mmqcs'] == __version__
    assert lines['PyTorch'] == torch.__version__
    assert 'onedl-mmpretrain' in lines or 'mmpretrain' in lines
    assert 'CUDA available' in lines
    assert any(name.startswith('opencv-python') for name in lines)


def test_a_report_without_openmmlab(monkeypatch):
    """A broken installation is what many reports are about."""
    monkeypatch.setitem(sys.modules, 'mmengine.utils.dl_utils', None)
    monkeypatch.setattr(collect_env, 'PACKAGES', ('torch', 'no-such-package'))
    env = collect_env.collect_env()
    assert env['MMEngine'].startswith('cannot be imported')
    assert torch.__version__.startswith(env['torch'])
    assert 'no-such-package' not in env
