"""What is written down about runs, and the choice of predictions among them."""

import json
import subprocess

import numpy as np
import pytest

from mmqcs.functional.dataset_labels import class_counts, dataset_labels
from mmqcs.runs.log import Validation
from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import (
    RunRecord,
    environment,
    find_evaluation,
    git_state,
    read_records,
)


def record(kind='train', **changes):
    return RunRecord(
        **dict(
            kind=kind,
            started='20260101_000000',
            config_name='a.py',
            config='x = 1',
            command='python train.py',
            **changes,
        )
    )


def test_saved_and_loaded(tmp_path):
    (tmp_path / '20260102_000000').mkdir()
    (tmp_path / '20260101_000000').mkdir()
    late = record(counts={'train': {'Fear': 3}}, step=4, seed=1)
    late.save(tmp_path / '20260102_000000')
    early = record('test', environment={'PyTorch': '2'})
    early.save(tmp_path / '20260101_000000')
    assert [r for _, r in read_records(tmp_path)] == [early, late]


def test_records_without_the_newest_fields_are_read(tmp_path):
    record(step=4).save(tmp_path)
    content = json.loads((tmp_path / 'run.json').read_text())
    del content['label_noise']
    (tmp_path / 'run.json').write_text(json.dumps(content))
    assert RunRecord.load(tmp_path) == record(step=4)


@pytest.mark.parametrize('text', ['', '[]', '{"kind": "train"}', 'no json'])
def test_a_broken_record_is_named(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    with pytest.raises(ValueError, match=r'run\.json'):
        RunRecord.load(tmp_path)


def test_environment_can_be_written_as_json():
    found = environment()
    assert {'mmqcs', 'Python', 'PyTorch', 'MMEngine', 'MMPretrain', 'OpenCV'} <= set(
        found
    )
    assert json.loads(json.dumps(found)) == found


def test_git_state(tmp_path):
    def git(*args):
        names = ['-c', 'user.name=x', '-c', 'user.email=x@example.org']
        command = ['git', '-C', tmp_path, *names, *args]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    file = tmp_path / 'a.py'
    file.write_text('1')
    assert git_state(file) is None  # no repository
    git('init')
    assert git_state(file) is None  # not tracked
    git('add', 'a.py')
    git('commit', '-m', 'x')
    head = git('rev-parse', 'HEAD')
    assert git_state(file) == head
    git('tag', 'v1')
    file.write_text('2')
    assert git_state(file) == f'{head}-dirty'


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert git_state(tmp_path / 'a.py') is None


def predictions(guess):
    return Predictions(
        classes=('a', 'b'),
        labels=np.array([0]),
        predicted=np.array([guess]),
        confidence=np.ones(1, np.float32),
        true_confidence=np.zeros(1, np.float32),
        paths=('',),
        indices=np.array([0]),
    )


def make_run(work_dir, name, kind, step=None, guess=None, checkpoint=None):
    folder = work_dir / name
    folder.mkdir()
    record(kind, step=step, checkpoint=checkpoint).save(folder)
    if guess is not None:
        predictions(guess).save(folder / 'predictions.npz')
    return folder


def choose(work_dir, *steps):
    """The choice where the validations of some steps are given, the first the best."""
    found = [Validation(s, 50 - i, 50) for i, s in enumerate(steps)]
    return find_evaluation(list(read_records(work_dir)), found)


def test_the_newest_predictions_count(tmp_path):
    assert choose(tmp_path) is None
    make_run(tmp_path, '1', 'train')
    assert choose(tmp_path) is None
    first = make_run(tmp_path, '2', 'train', step=3, guess=0)
    assert choose(tmp_path, 3).folder == first
    assert choose(tmp_path, 3).title == 'validation at step 3'
    test = make_run(tmp_path, '3', 'test', guess=1, checkpoint='x.pth')
    found = choose(tmp_path, 3)
    assert (found.folder, found.title) == (test, 'test of x.pth')
    assert found.predictions.predicted == [1]


def test_of_a_resumed_training_the_best_validation_counts(tmp_path):
    early = make_run(tmp_path, '1', 'train', step=3, guess=0)
    late = make_run(tmp_path, '2', 'train', step=5, guess=0)
    assert choose(tmp_path, 3, 5).folder == early
    assert choose(tmp_path, 5, 3).folder == late
    assert choose(tmp_path, 4).folder == late  # done without the hook
    assert choose(tmp_path).folder == late


class Labelled:
    metainfo = {'classes': ('a', 'b', 'c')}

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def get_data_info(self, i):
        return {'gt_label': self.labels[i]}


def test_counts_of_classes():
    assert class_counts(Labelled([2, 0, 2])) == {'a': 1, 'b': 0, 'c': 2}
    nameless = Labelled([0, 3])
    nameless.metainfo = {}
    assert class_counts(nameless) == {'0': 1, '1': 0, '2': 0, '3': 1}
    with pytest.raises(ValueError, match='several labels per image'):
        dataset_labels(Labelled([[0, 1]]))
