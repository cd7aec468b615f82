"""The Makefile."""

import os
import re
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


def test_no_python(tmp_path):
    done = make('setup', f'VENV={tmp_path}/venv', f'PYTHON={tmp_path}/python')
    assert error_line(done).startswith(f'mmqcs: {tmp_path}/python not found')


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


def test_train_calls_the_programs_in_turn():
    arguments = ['CONFIG=configs/a/small.py', 'DATA=faces', 'TRAIN_ARGS=--amp']
    done = make('-n', 'train', 'VENV=here', 'WORK_DIR=out', *arguments)
    assert done.returncode == 0, done.stderr
    called = re.findall(r'here/bin/python (tools/[^;\n]*)', done.stdout)
    assert called == [
        'tools/dataset_converters/synth_fer.py faces --train 2100 --test 700',
        'tools/train.py configs/a/small.py --work-dir out --amp',
        'tools/test.py configs/a/small.py "$checkpoint" --work-dir out',
        'tools/visualization/plot_curves.py out',
        'tools/analysis_tools/summarize.py out --checkpoint "$checkpoint"',
    ]
    assert all((ROOT / command.split()[0]).is_file() for command in called)


@pytest.mark.parametrize(
    ('arguments', 'recipe', 'network'),
    [
        ([], 'mix/ir-small_fer2013_distilled', 'mix/ir-small_fer2013'),
        (
            ['WEIGHTS_CONFIG=configs/qcs/qcs_ir-small_fer2013.py'],
            *['qcs/qcs_ir-small_fer2013'] * 2,
        ),
    ],
)
def test_weights(arguments, recipe, network):
    printed = make('-n', 'weights', 'VENV=here', 'WEIGHTS_ARGS=--amp', *arguments)
    printed = printed.stdout.replace('\\\n\t', '')
    run, name = Path(recipe).name, Path(network).name
    assert f'train.py configs/{recipe}.py --work-dir work_dirs/{run} --amp\n' in printed
    assert f' work_dirs/weights/{name}.pth --half --grey ' in printed
    assert f' --config configs/{network}.py' in printed
    assert all((ROOT / f'configs/{x}.py').is_file() for x in (recipe, network))


def test_default_target_lists_the_others():
    printed = make().stdout
    targets = 'setup ops data train weights test test-original lint format docs'
    for target in (*targets.split(), 'address', 'coverage', 'linkcheck', 'clean'):
        assert f'make {target} ' in printed


def test_lint_runs_the_hooks_of_the_environment():
    printed = make('-n', 'lint', 'VENV=here').stdout
    path = re.escape(str(ROOT / 'here/bin'))
    assert re.search(rf"PATH='{path}':\S+ here/bin/pre-commit run --all-files", printed)
    hooks = (ROOT / '.pre-commit-config.yaml').read_text(encoding='utf-8')
    # anything else would be downloaded
    assert hooks.count('language: system') == hooks.count(' - id: ') > 10
    assert re.findall('- repo: (.*)', hooks) == ['local']


def test_the_original_line_has_its_own_environment():
    arguments = ['VENV=here/venv', 'TEST_JOBS=3', 'TEST_ARGS=-x']
    done = make('-n', 'test-original', *arguments)
    assert ' VENV=here/venv-openmmlab ' in done.stdout
    assert done.stdout.endswith(' tools/misc/test_line.sh -n 3 --dist loadfile -x\n')


def test_names_that_the_makefile_relies_on():
    assert (ROOT / 'configs/qcs/qcs_ir-small_synthfer.py').is_file()
    assert os.access(ROOT / '.ci' / 'run', os.X_OK)
