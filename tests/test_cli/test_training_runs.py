import pytest
import torch

from mmqcs.cli import training_runs
from mmqcs.cli.training_runs import KEEP_MEMORY, train_once

# in place of a training: notes its environment and its threads
NOTE = """
import os, pathlib, sys
work_dir = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])
names = [*sorted(n for n in os.environ if n.startswith('MALLOC_')), 'OMP_NUM_THREADS']
with (work_dir / 'notes').open('a') as notes:
    print(*(f'{n}={os.environ[n]}' for n in names), file=notes)
"""


@pytest.fixture
def train(monkeypatch, tmp_path):
    monkeypatch.setattr(training_runs, 'TRAIN', ('-c', NOTE))
    for name in KEEP_MEMORY:
        monkeypatch.delenv(name, raising=False)

    def train_here(*arguments):
        cost = train_once('config.py', 3, tmp_path, arguments, threads=2)
        return cost, (tmp_path / 'notes').read_text().splitlines()

    return train_here


def test_trainings_keep_their_memory(train, monkeypatch):
    monkeypatch.setenv('MALLOC_TRIM_THRESHOLD_', '1')
    _, notes = train()
    mmap = KEEP_MEMORY['MALLOC_MMAP_THRESHOLD_']
    assert notes == [
        f'MALLOC_MMAP_THRESHOLD_={mmap} MALLOC_TRIM_THRESHOLD_=1 OMP_NUM_THREADS=2'
    ]


def test_a_complete_training_is_not_repeated(train, capsys):
    cost, notes = train('--amp')
    assert cost['cpu_seconds'] > 0
    assert train('--amp') == (cost, notes)
    with pytest.raises(SystemExit):
        train()
    assert 'a run with other settings' in capsys.readouterr().err


@pytest.mark.parametrize('gpu', [False, True])
def test_time_on_a_gpu_is_noted(train, monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    cost, _ = train()
    assert cost['seconds'] > 0
    assert cost.get('gpu_seconds') == (cost['seconds'] if gpu else None)
