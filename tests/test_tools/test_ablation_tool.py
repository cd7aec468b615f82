import json

import pytest

PLAN = """
seeds: [0, 1]
prepare:
  note: note.py {out}/note
settings:
  toy: {optim_wrapper.optimizer.momentum: 0.9}
methods:
  slow: {epochs: {config: CONFIG, optim_wrapper.optimizer.lr: 0.001}}
  fast: {epochs: {config: CONFIG, optim_wrapper.optimizer.lr: 0.1}}
tables:
  - {title: Toy, settings: [toy], methods: [slow, fast]}
  - {title: Toy again, settings: [toy], methods: [slow, fast]}
"""
NOTE = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.write_text(path.read_text() + 'again' if path.exists() else 'once')
"""


@pytest.fixture
def plan(toy_config, tmp_path):
    path = tmp_path / 'plan.yml'
    path.write_text(PLAN.replace('CONFIG', str(toy_config)))
    (tmp_path / 'note.py').write_text(NOTE)
    return path


@pytest.mark.slow
def test_an_ablation(run, plan, tmp_path):
    arguments = ['analysis_tools/ablation.py', plan, '--work-dir', 'out', '--jobs', 2]
    partly = run(*arguments, '--seeds', 1, cwd=tmp_path)
    assert partly.returncode == 0, partly.stderr
    mark = tmp_path / 'out/runs/toy_slow_epochs/seed_1/complete.json'
    first = mark.stat().st_mtime_ns

    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '4 of 4' in done.stdout
    assert mark.stat().st_mtime_ns == first  # not trained again
    assert (tmp_path / 'out/note').read_text() == 'once'
    text = (tmp_path / 'out/ablation.md').read_text()
    assert text.startswith('4 of 4 trainings.')
    toy, again = (part.strip() for part in text.split('## ')[1:])
    assert toy.splitlines()[1:] == again.splitlines()[1:]
    slow, fast = (line.split('|') for line in toy.splitlines()[4:6])
    results = json.loads((tmp_path / 'out/ablation.json').read_text())
    top1 = {n: [r[s]['top1'] for s in '01'] for n, r in results.items()}
    assert float(slow[3].split()[0]) == pytest.approx(
        sum(top1['toy_slow_epochs']) / 2, abs=0.01
    )
    difference = sum(top1['toy_fast_epochs']) / 2 - sum(top1['toy_slow_epochs']) / 2
    assert float(fast[4].split()[0].strip('*')) == pytest.approx(difference, abs=0.01)
    assert results['toy_fast_epochs']['0']['cpu_seconds'] > 0
    assert (tmp_path / 'out/ablation.png').stat().st_size > 1000

    plan.write_text(plan.read_text().replace('0.001', '0.002'))
    other = run(*arguments, cwd=tmp_path)
    assert other.returncode == 2
    assert 'toy_slow_epochs has trainings with other settings' in other.stderr


@pytest.mark.slow
def test_a_training_that_fails_is_named(run, plan, tmp_path):
    plan.write_text(plan.read_text().replace('lr: 0.001', 'lr: 1e40'))
    arguments = ['analysis_tools/ablation.py', plan, '--work-dir', 'out']
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert 'seed_0 ended with status' in done.stderr
    assert 'toy_slow_epochs/seed_0/output.txt' in done.stderr


def test_a_plan_that_is_missing(run, tmp_path):
    done = run('analysis_tools/ablation.py', 'nowhere.yml', cwd=tmp_path)
    assert done.returncode == 2
    assert 'nowhere.yml' in done.stderr


def test_a_config_that_is_missing(run, plan, tmp_path):
    plan.write_text(PLAN.replace('CONFIG', 'gone.py'))
    done = run('analysis_tools/ablation.py', plan, '--work-dir', 'out', cwd=tmp_path)
    assert done.returncode == 2
    assert '\nmmqcs: ' in f'\n{done.stderr}'
    assert 'gone.py' in done.stderr
