"""The Makefile, with stand-ins for Python where the real one takes minutes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAMP = '.mmqcs-installed'

pytestmark = pytest.mark.skipif(shutil.which('make') is None, reason='needs make')


def make(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run make in the repository, free of the settings of an outer make or pip."""
    outer = ('MAKE', 'MFLAGS', 'PIP_', 'VENV', 'PYTHON')
    kept = {k: v for k, v in os.environ.items() if not k.startswith(outer)}
    return subprocess.run(
        ['make', *map(str, args)],
        cwd=ROOT,
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line but for make's own."""
    assert done.returncode != 0
    lines = [x for x in done.stderr.splitlines() if not x.startswith('make')]
    return lines[-1]


def script(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return path


def test_python_too_old(tmp_path):
    python = script(
        tmp_path / 'python',
        'case "$1" in --version) echo Python 3.9.18;; *) exit 1;; esac',
    )
    done = make('setup', f'VENV={tmp_path}/venv', f'PYTHON={python}')
    line = error_line(done)
    assert line.startswith('mmqcs: Python >= 3.10 is needed')
    assert 'Python 3.9.18' in line
    assert not (tmp_path / 'venv').exists()


def test_python_too_old_in_the_environment(tmp_path):
    script(
        tmp_path / 'venv' / 'bin' / 'python',
        'case "$1" in --version) echo Python 3.9.18;; -m) exit 0;; *) exit 1;; esac',
    )
    line = error_line(make('setup', f'VENV={tmp_path}/venv'))
    assert line.startswith('mmqcs: Python >= 3.10 is needed')
    assert f'remove {tmp_path}/venv' in line


def test_no_python(tmp_path):
    done = make('setup', f'VENV={tmp_path}/venv', f'PYTHON={tmp_path}/python')
    assert error_line(done).startswith(f'mmqcs: {tmp_path}/python not found')


def test_no_venv_module(tmp_path):
    python = script(
        tmp_path / 'python', f'[ "$1" = -m ] && exit 1\nexec "{sys.executable}" "$@"'
    )
    line = error_line(make('setup', f'VENV={tmp_path}/venv', f'PYTHON={python}'))
    assert line.startswith('mmqcs: ')
    assert 'python3-venv' in line


@pytest.mark.slow
@pytest.mark.parametrize(
    'env', [{'PIP_NO_INDEX': '1'}, {'PIP_INDEX_URL': 'http://127.0.0.1:9/simple'}]
)
def test_no_network(tmp_path, env):
    venv = tmp_path / 'venv'
    args = ('setup', f'VENV={venv}', f'PYTHON={sys.executable}')
    done = make(*args, PIP_CONFIG_FILE=os.devnull, **env)
    line = error_line(done)
    assert line.startswith('mmqcs: installation failed: the package index cannot')
    assert line.endswith(f'(log: {venv}/pip.log)')
    assert (venv / 'pip.log').stat().st_size > 0
    assert not (venv / STAMP).exists()


@pytest.fixture
def fake_venv(tmp_path) -> Path:
    """An environment whose Python notes its arguments, and fails if told so."""
    venv = tmp_path / 'venv'
    script(
        venv / 'bin' / 'python',
        f'echo "$@" >>"{venv}/calls"\n'
        f'case "$*" in "-m pip install"*) [ ! -e "{venv}/broken" ];; esac',
    )
    return venv


def calls(venv: Path) -> list[str]:
    """Take the notes, without the looks at pip's and Python's version."""
    lines = (venv / 'calls').read_text().splitlines()
    (venv / 'calls').unlink()
    return [x for x in lines if not x.startswith(('-c', '-m pip --version'))]


def test_installs_once(fake_venv):
    setup = ('setup', f'VENV={fake_venv}')
    (fake_venv / 'broken').touch()
    line = error_line(make(*setup))
    assert line.startswith('mmqcs: installation failed: a package cannot be installed')
    assert len(calls(fake_venv)) == 1

    (fake_venv / 'broken').unlink()
    assert make(*setup).returncode == 0
    (install,) = calls(fake_venv)
    assert install.startswith('-m pip install')
    assert install.endswith('-e .[onedl,tests,docs]')

    assert make(*setup).returncode == 0
    assert not (fake_venv / 'calls').exists()

    os.utime(fake_venv / STAMP, (0, 0))  # setup.cfg is newer
    assert make(*setup).returncode == 0
    assert len(calls(fake_venv)) == 1


def test_ops(fake_venv):
    done = make('ops', f'VENV={fake_venv}')
    assert done.returncode == 0, done.stderr
    assert 'mmqcs: the operators of MMCV are there' in done.stdout


@pytest.mark.parametrize('best', [True, False])
def test_train(fake_venv, tmp_path, best):
    work_dir = tmp_path / 'small'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').write_text('runs/epoch_9.pth')
    checkpoint = 'runs/epoch_9.pth'
    if best:
        for age, name in enumerate(('best_x_epoch_7.pth', 'best_x_epoch_8.pth')):
            (work_dir / name).touch()
            os.utime(work_dir / name, (1000 - age, 1000 - age))
        checkpoint = f'{work_dir}/best_x_epoch_7.pth'
    args = (f'VENV={fake_venv}', 'CONFIG=configs/a/small.py', f'WORK_DIR={work_dir}')
    done = make('train', *args, 'DATA=faces', 'TRAIN_ARGS=--amp')
    assert done.returncode == 0, done.stderr
    assert calls(fake_venv)[1:] == [
        'tools/dataset_converters/synth_fer.py faces --train 2100 --test 700',
        f'tools/train.py configs/a/small.py --work-dir {work_dir} --amp',
        f'tools/test.py configs/a/small.py {checkpoint} --work-dir {work_dir}',
        f'tools/visualization/plot_curves.py {work_dir}',
        f'tools/analysis_tools/summarize.py {work_dir} --checkpoint {checkpoint}',
    ]


def test_weights(fake_venv):
    name = 'qcs_ir-small_fer2013'
    config = f'configs/qcs/{name}.py'
    assert (ROOT / config).is_file()
    done = make('weights', f'VENV={fake_venv}', 'WEIGHTS_ARGS=--amp')
    assert done.returncode == 0, done.stderr
    train, publish = calls(fake_venv)[1:]
    assert train == f'tools/train.py {config} --work-dir work_dirs/{name} --amp'
    assert publish.endswith(
        f' work_dirs/weights/{name}.pth --half --grey --config {config}'
    )


def test_default_target_lists_the_others():
    printed = make().stdout
    targets = 'setup ops data train weights test test-original lint format docs'
    for target in (*targets.split(), 'linkcheck', 'clean'):
        assert f'make {target} ' in printed


def test_the_original_line_has_its_own_environment():
    arguments = ['VENV=here/venv', 'TEST_JOBS=3', 'TEST_ARGS=-x']
    done = make('-n', 'test-original', *arguments)
    assert ' VENV=here/venv-openmmlab ' in done.stdout
    assert done.stdout.endswith(' tools/misc/test_line.sh -n 3 --dist loadfile -x\n')


def test_names_that_the_makefile_relies_on():
    assert (ROOT / 'configs/qcs/qcs_ir-small_synthfer.py').is_file()
    assert os.access(ROOT / '.ci' / 'run', os.X_OK)
