"""What a run leaves in its folder and in the report."""

import logging
import sys
import time

import pytest
from mmengine.runner import Runner
from small_run import config, validations

from mmqcs.expressions import RAF_DB
from mmqcs.runs import errors, report
from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import RunRecord
from mmqcs.synth import CLASSES


def folder_of(work_dir, kind):
    """The folder of the newest run of a kind."""
    paths = sorted(work_dir.glob('*/run.json'), reverse=True)
    return next(
        path.parent for path in paths if RunRecord.load(path.parent).kind == kind
    )


def test_a_training_and_a_test(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmqcs train', 'a b.py', '--amp'])
    runner = Runner.from_cfg(config(tmp_path))
    runner.train()
    (folder,) = (path.parent for path in tmp_path.glob('*/run.json'))
    record = RunRecord.load(folder)
    assert (record.kind, record.seed, record.processes) == ('train', 3, 1)
    assert {k: sum(v.values()) for k, v in record.counts.items()} == {
        'train': 8,
        'val': 14,
    }
    assert "type='mmqcs.SynthFER'" in record.config
    assert 'PyTorch' in record.environment
    assert record.command == "mmqcs train 'a b.py' --amp"

    logged = validations(runner)
    top1 = {step: r['accuracy/top1'] for step, r in logged.items()}
    assert record.step == min(s for s in top1 if top1[s] == max(top1.values()))
    found = Predictions.load(folder / 'predictions.npz')
    assert found.accuracy == pytest.approx(top1[record.step])
    assert found.classes == CLASSES[:7]
    assert found.indices.tolist() == list(range(14))
    assert found.paths[3].startswith('synthfer://') and found.paths[3].endswith('3.bmp')
    recalls = [logged[record.step][f'recall/{name}'] for name in CLASSES[:7]]
    assert [f.recall for f in found.class_figures()] == pytest.approx(recalls)
    assert (folder / 'hardest_errors.png').is_file()
    trained = (tmp_path / 'report.html').read_text()
    assert f'validation at step {record.step}' in trained

    while time.strftime('%Y%m%d_%H%M%S') == runner.timestamp:  # names the folder
        time.sleep(0.05)
    monkeypatch.setattr(sys, 'argv', ['tools/test.py', 'c.py'])
    Runner.from_cfg(config(tmp_path)).test()
    tested = RunRecord.load(folder_of(tmp_path, 'test'))
    assert {k: sum(v.values()) for k, v in tested.counts.items()} == {'test': 14}
    assert tested.command == 'python tools/test.py c.py'
    text = (tmp_path / 'report.html').read_text()
    assert 'Confusion matrix of the test' in text
    assert 'Best epoch' in text  # of the training, still
    for split in ('train', 'val', 'test'):
        assert f'<th class="number">{split}</th>' in text


def test_label_noise_is_recorded(tmp_path, rafdb_root):
    cfg = config(tmp_path, train_cfg=dict(max_epochs=1))
    cfg.train_dataloader.dataset = dict(
        type='mmqcs.ConcatDataset',
        datasets=[
            dict(
                type='mmqcs.RAFDB',
                data_root=str(rafdb_root),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='Resize', scale=(48, 48)),
                    dict(type='PackInputs'),
                ],
                **kwargs,
            )
            for kwargs in (dict(), dict(label_noise=dict(rate=0.5, seed=4)))
        ],
    )
    cfg.val_dataloader.dataset.metainfo = dict(classes=RAF_DB)
    runner = Runner.from_cfg(cfg)
    runner.train()
    (noise,) = RunRecord.load(folder_of(tmp_path, 'train')).label_noise
    noisy = runner.train_dataloader.dataset.datasets[1]
    assert noise == noisy.metainfo['label_noise']
    assert sum(map(sum, noise['flips'])) == 14
    text = (tmp_path / 'report.html').read_text()
    assert 'rate 0.5, seed 4: 14 labels are wrong' in text


class Log(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def logged_texts(runner):
    log = Log()
    runner.logger.addHandler(log)
    return log.texts


def test_a_report_that_fails_does_not_end_the_run(tmp_path, monkeypatch):
    def fail(work_dir):
        raise OSError('no space left')

    monkeypatch.setattr(report, 'write_report', fail)
    runner = Runner.from_cfg(config(tmp_path))
    texts = logged_texts(runner)
    runner.train()
    assert runner.epoch == 3
    (warning,) = (text for text in texts if 'ReportHook' in text)
    assert 'could not write report' in warning
    assert warning.endswith('OSError: no space left')


def test_predictions_that_cannot_be_kept_do_not_end_the_run(tmp_path, monkeypatch):
    def fail(self, path):
        raise PermissionError('read-only')

    monkeypatch.setattr(Predictions, 'save', fail)
    runner = Runner.from_cfg(config(tmp_path))
    texts = logged_texts(runner)
    runner.train()
    (warning,) = (text for text in texts if 'ReportHook' in text)  # not at each epoch
    assert 'could not save predictions' in warning
    assert warning.endswith('PermissionError: read-only')
    assert 'No predictions were kept' in (tmp_path / 'report.html').read_text()


def test_errors_that_cannot_be_drawn_leave_the_rest(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError('no pictures')

    monkeypatch.setattr(errors, 'worst_errors', fail)
    runner = Runner.from_cfg(config(tmp_path))
    texts = logged_texts(runner)
    runner.train()
    (warning,) = (text for text in texts if 'ReportHook' in text)
    assert 'could not plot errors' in warning
    text = (tmp_path / 'report.html').read_text()
    assert 'hardest_errors.png is missing' in text
    assert 'Confusion matrix of the validation' in text


def test_confusion_matrices_carry_the_iteration(tmp_path):
    cfg = config(tmp_path)
    cfg.val_evaluator = dict(type='mmqcs.FERMetric')
    cfg.test_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    images = {path.name for path in tmp_path.rglob('confusion_matrix_*.png')}
    assert images == {f'confusion_matrix_{step}.png' for step in (2, 4, 6)}


def test_a_hook_that_is_not_enabled(tmp_path):
    cfg = config(tmp_path)
    cfg.default_hooks.report.enable = False
    Runner.from_cfg(cfg).train()
    assert not list(tmp_path.rglob('run.json'))
    assert not list(tmp_path.rglob('predictions.npz'))
    assert not (tmp_path / 'report.html').exists()


def test_a_training_without_validation(tmp_path):
    none = dict(val_cfg=None, val_dataloader=None, val_evaluator=None)
    Runner.from_cfg(config(tmp_path, **none)).train()
    text = (tmp_path / 'report.html').read_text()
    assert 'No predictions were kept' in text
    assert 'No run in this folder was validated' in text
    assert not list(tmp_path.glob('*/predictions.npz'))


def test_the_step_is_that_of_the_log(tmp_path):
    """Trainings by iteration, whose validations the logger counts by iterations."""
    cfg = config(tmp_path)
    cfg.train_cfg = dict(by_epoch=False, max_iters=4, val_interval=2)
    cfg.default_hooks.logger.log_metric_by_epoch = False
    cfg.log_processor = dict(by_epoch=False)
    runner = Runner.from_cfg(cfg)
    runner.train()
    steps = validations(runner)
    assert set(steps) == {2, 4}
    record = RunRecord.load(folder_of(tmp_path, 'train'))
    assert record.step in steps
    found = Predictions.load(folder_of(tmp_path, 'train') / 'predictions.npz')
    assert found.accuracy == pytest.approx(steps[record.step]['accuracy/top1'])
