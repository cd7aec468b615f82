"""The build of MMCV's operators, with stand-ins for Python and the compiler."""

import os
import subprocess
from pathlib import Path

import pytest

MISC = Path(__file__).resolve().parents[2] / 'tools/misc'


def run(program, *args, **env):
    command = ['bash', MISC / program, *map(str, args)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(('CXX', 'MMQCS'))}
    return subprocess.run(
        command, env={**kept, **env}, capture_output=True, text=True, timeout=60
    )


def script(path, text):
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return path


def python(path, has_torch=True, has_ops=False, version='2.3.6'):
    """A Python that answers the questions of the script and notes what pip does."""
    return script(
        path,
        f'case "$*" in\n'
        f'*mmcv._ext*) exit {int(not has_ops)} ;;\n'
        f'*onedl-mmcv==*) echo "$@" >>{path}.calls\n'
        f'  echo "x.cpp: error: no"; exit 1 ;;\n'
        f'*version*onedl*) echo {version}; [ -n "{version}" ] ;;\n'
        f'*CUDA_HOME*) echo 0 $CUDA_HOME ;;\n'
        f'*"import torch"*) exit {int(not has_torch)} ;;\n'
        f'esac',
    )


def test_does_nothing_if_the_operators_are_there(tmp_path):
    done = run('build_ops.sh', python(tmp_path / 'python', has_ops=True))
    assert done.returncode == 0
    assert done.stdout == 'mmqcs: the operators of MMCV are there\n'
    assert not (tmp_path / 'python.calls').exists()


@pytest.mark.parametrize(
    ('found', 'env', 'message'),
    [
        (dict(has_torch=False), {}, 'has no PyTorch'),
        (dict(version=''), {}, 'has no onedl-mmcv; install it with'),
        ({}, {'CXX': 'no-such-compiler'}, 'no C++ compiler (no-such-compiler) found'),
        ({}, {'FORCE_CUDA': '1', 'CUDA_HOME': '/none'}, 'no /none/bin/nvcc'),
        ({}, {'CXX': 'true'}, 'the build failed: x.cpp: error: no (log: '),
    ],
)
def test_errors(tmp_path, found, env, message):
    env = {'TMPDIR': str(tmp_path), **env}
    done = run('build_ops.sh', python(tmp_path / 'python', **found), **env)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith('mmqcs: ')
    assert message in line


def test_no_python():
    done = run('build_ops.sh', '/none/python')
    assert 'mmqcs: /none/python not found' in done.stderr


def test_the_cache_of_pip_is_left_out(tmp_path):
    run('build_ops.sh', python(tmp_path / 'python'), CXX='true', TMPDIR=str(tmp_path))
    call = (tmp_path / 'python.calls').read_text()
    for option in ('--no-cache-dir', '--no-build-isolation', '--no-binary onedl-mmcv'):
        assert option in call


def test_the_compiler_is_given_the_newer_standard(tmp_path):
    compiler = script(tmp_path / 'c++', 'echo "$@"')
    done = run('cxx20.sh', '-c', 'a.cpp', '-std=c++17', '-g', MMQCS_CXX=str(compiler))
    assert done.stdout == '-c a.cpp -std=c++20 -g\n'


def test_headers_are_compiled_once(tmp_path):
    compiler = script(
        tmp_path / 'c++',
        f'echo "$@" >>{tmp_path}/calls\n'
        'while [ $# -gt 0 ]; do [ "$1" = -o ] && touch "$2"; shift; done',
    )
    env = dict(MMQCS_CXX=str(compiler), MMQCS_PCH=str(tmp_path))
    for name in 'ab':
        args = ('-O2', '-g', '-c', f'{name}.cpp', '-o', tmp_path / f'{name}.o')
        assert run('cxx20.sh', *args, '-std=c++17', **env).returncode == 0
    header, *files = (tmp_path / 'calls').read_text().splitlines()
    assert header.startswith('-O2 -std=c++20 -x c++-header ')
    for name, line in zip('ab', files, strict=True):
        assert line.startswith(f'-O2 -c {name}.cpp ')
        assert line.endswith('.hpp')
