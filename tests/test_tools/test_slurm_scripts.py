"""The Slurm scripts, with a fake srun that prints and runs what it is given."""

import json
import stat
from pathlib import Path

import pytest

SRUN = """#!/usr/bin/env python3
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ['PYTHONPATH']]))
"""


@pytest.fixture
def fake_srun(tmp_path) -> Path:
    """A folder for PATH."""
    program = tmp_path / 'bin' / 'srun'
    program.parent.mkdir()
    program.write_text(SRUN)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.parent


@pytest.mark.parametrize(
    ('script', 'expected'),
    [
        ('train', ['a config.py', '--work-dir', 'runs/a b']),
        ('test', ['a config.py', 'runs/a b']),
    ],
)
def test_arguments(run, tmp_path, fake_srun, script, expected):
    done = run(
        f'slurm_{script}.sh',
        *('gpu', 'my job', 'a config.py', 'runs/a b', '--cfg-options', 'a=1 2'),
        cwd=tmp_path,
        first_path=fake_srun,
        GPUS='4',
        SRUN_ARGS='--mem=9G --exclusive',
        PYTHONPATH='/elsewhere',
    )
    assert done.returncode == 0, done.stderr
    arguments, pythonpath = json.loads(done.stdout)
    command = arguments.index('python')
    assert arguments[:command] == [
        '--partition=gpu',
        '--job-name=my job',
        '--gres=gpu:4',
        '--ntasks=4',
        '--ntasks-per-node=4',
        '--cpus-per-task=5',
        '--kill-on-bad-exit=1',
        '--mem=9G',
        '--exclusive',
    ]
    _, unbuffered, program, *rest = arguments[command:]
    assert unbuffered == '-u'
    assert Path(program).is_file()
    assert Path(program).name == f'{script}.py'
    assert rest == [*expected, '--launcher', 'slurm', '--cfg-options', 'a=1 2']
    assert pythonpath.endswith(':/elsewhere')


@pytest.mark.parametrize(
    ('script', 'needed'),
    [('dist_train', 2), ('dist_test', 3), ('slurm_train', 4), ('slurm_test', 4)],
)
def test_usage(run, tmp_path, script, needed):
    done = run(f'{script}.sh', *['x'] * (needed - 1), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
