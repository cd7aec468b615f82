"""tools/misc/test_line.sh, with a stand-in for the environment that takes minutes."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Notes its arguments; a file named like a distribution stands for an installed one.
PYTHON = """#!/bin/sh
cd "$(dirname "$0")/.."
echo "$@" >>calls
case "$*" in
  *"m.version("*) name=${2##*version(\\'}; [ -e "${name%%\\'*}" ];;
  "-m pip list") echo 'mmengine 0.10.7'; echo 'six 1.0';;
  *broken*) exit 1;;
esac
"""


@pytest.fixture
def venv(tmp_path) -> Path:
    """An environment whose Python is the stand-in."""
    python = tmp_path / 'venv' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path / 'venv'


def run_line(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script, free of outer settings."""
    settings = ('LINE', 'PYTHON', 'TORCH', 'VENV')
    kept = {k: v for k, v in os.environ.items() if k not in settings}
    return subprocess.run(
        ['bash', str(ROOT / 'tools/misc/test_line.sh'), *args],
        cwd='/',
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def calls(venv: Path) -> list[str]:
    """Take the notes of installations and tests."""
    lines = (venv / 'calls').read_text().splitlines()
    (venv / 'calls').unlink()
    return [x for x in lines if x.startswith(('-m pip install', '-m pytest'))]


def test_installs_once_and_passes_arguments_on(venv):
    done = run_line('-m', 'not slow', VENV=str(venv), TORCH='2.4.1')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ['mmengine 0.10.7']
    pip, torch, ours, tests = calls(venv)
    assert pip == '-m pip install -q --upgrade pip'
    assert torch == '-m pip install -q torch==2.4.1 torchvision'
    assert ' torch==2.4.1 ' in ours
    assert ' mmengine==0.10.7 mmcv-lite==2.1.0 mmpretrain==1.2.0 ' in ours
    assert ours.endswith(' -e .[openmmlab,tests]')
    assert tests == '-m pytest -m not slow'

    assert run_line(VENV=str(venv), TORCH='2.4.1').returncode == 0
    assert calls(venv) == ['-m pytest']
    os.utime(venv / '.mmqcs-line', (0, 0))  # setup.cfg is newer
    assert run_line(VENV=str(venv), TORCH='2.4.1').returncode == 0
    assert len(calls(venv)) == 4
    assert run_line(VENV=str(venv)).returncode == 0
    assert calls(venv)[1] == '-m pip install -q torch torchvision'


def test_the_maintained_line(venv):
    assert run_line(VENV=str(venv), LINE='onedl').returncode == 0
    assert calls(venv)[2] == '-m pip install -q --use-pep517 torch -e .[onedl,tests]'


def test_a_failed_installation_is_tried_again(venv):
    for _ in range(2):
        done = run_line(VENV=str(venv), TORCH='broken')
        assert done.returncode == 2
        message = 'mmqcs: pip cannot install torch==broken torchvision; see the message'
        assert done.stderr.startswith(message)
        assert len(calls(venv)) == 2


@pytest.mark.parametrize(
    ('line', 'other'), [('openmmlab', 'onedl-mmengine'), ('onedl', 'mmengine')]
)
def test_the_two_lines_do_not_mix(venv, line, other):
    (venv / other).touch()
    done = run_line(VENV=str(venv), LINE=line)
    assert done.returncode == 2
    assert done.stderr.startswith(f'mmqcs: {venv} holds {other}, of the other line;')
    assert calls(venv) == []


@pytest.mark.parametrize(
    ('env', 'message'),
    [
        ({'LINE': 'mmcls'}, "LINE is 'mmcls', but must be openmmlab or onedl"),
        ({'PYTHON': '/nowhere/python'}, '/nowhere/python not found; set PYTHON'),
        ({'PYTHON': 'false'}, 'Python >= 3.10 is needed, but false is '),
    ],
)
def test_wrong_settings(tmp_path, env, message):
    done = run_line(VENV=str(tmp_path / 'venv'), **env)
    assert done.returncode == 2
    assert done.stderr.startswith(f'mmqcs: {message}')
    assert not (tmp_path / 'venv').exists()
