"""tools/analysis_tools/summarize.py and report.py."""

import json
import os
import sys
from pathlib import Path

import pytest
from tool_helpers import check_error, load_tool

from mmqcs.runs.record import RunRecord

report = load_tool('analysis_tools/report')
summarize = load_tool('analysis_tools/summarize')


def write_run(work_dir: Path, name: str, records: list[dict]) -> Path:
    path = work_dir / name / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(json.dumps(record) for record in records))
    return path


RECORDS = [
    {'lr': 0.1, 'loss': 2.0, 'loss_base': 1.5, 'accuracy_base': 20, 'step': 10},
    {'lr': 0.1, 'loss': 1.0, 'loss_base': 0.5, 'accuracy_base': 40, 'step': 20},
    {'accuracy/top1': 30.0, 'accuracy/mean_class': 25.0, 'recall/Fear': 1, 'step': 1},
    {'lr': 0.1, 'loss': 0.5, 'loss_base': 0.2, 'accuracy_base': 60, 'step': 30},
]


def write_test_run(work_dir: Path, name: str, top1: float) -> Path:
    picture = work_dir / name / 'vis_data' / 'vis_image' / 'confusion_matrix_0.png'
    picture.parent.mkdir(parents=True)
    picture.touch()
    metrics = {'accuracy/top1': top1, 'accuracy/mean_class': 50.125, 'recall/Fear': 9.0}
    (work_dir / name / f'{name}.json').write_text(json.dumps(metrics))
    return picture


def run_summarize(monkeypatch, capsys, *args: object) -> dict[str, str]:
    monkeypatch.setattr(sys, 'argv', ['summarize.py', *map(str, args)])
    summarize.main()
    lines = capsys.readouterr().out.splitlines()
    return {line[:20].strip(): line[21:] for line in lines}


def test_summary_of_the_newest_test_run(monkeypatch, tmp_path, capsys):
    write_test_run(tmp_path, '20260101_000000', 10.0)
    picture = write_test_run(tmp_path, '20260102_000000', 61.2345)
    write_run(tmp_path, '20260103_000000', RECORDS)
    (tmp_path / 'curves.png').touch()
    (tmp_path / 'report.html').touch()
    for age, name in enumerate(('best_a.pth', 'best_b.pth')):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    assert run_summarize(monkeypatch, capsys, tmp_path) == {
        'Top-1 accuracy': '61.23 %',
        'Mean class accuracy': '50.12 %',
        'Recall (%)': 'Fear 9.0',
        'Best epoch': 'top-1 30.00 %, mean class 25.00 %, step 1',
        'Last epoch': 'top-1 30.00 %, mean class 25.00 %, step 1',
        'Checkpoint': str(tmp_path / 'best_a.pth'),
        'Confusion matrix': str(picture),
        'Curves': str(tmp_path / 'curves.png'),
        'Report': str(tmp_path / 'report.html'),
    }
    given = run_summarize(monkeypatch, capsys, tmp_path, '--checkpoint', 'mine.pth')
    assert given['Checkpoint'] == 'mine.pth'


def test_summary_without_best_checkpoint(monkeypatch, tmp_path, capsys):
    write_test_run(tmp_path, '20260101_000000', 10.0)
    (tmp_path / 'last_checkpoint').write_text('/runs/epoch_3.pth')
    summary = run_summarize(monkeypatch, capsys, tmp_path)
    assert summary['Checkpoint'] == '/runs/epoch_3.pth'
    assert summary['Curves'] == 'not found'


def test_no_test_run(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run_summarize(monkeypatch, capsys, tmp_path)
    check_error(stop.value, capsys.readouterr().err, 'no test run')


def run_report(monkeypatch, work_dir):
    monkeypatch.setattr(sys, 'argv', ['report.py', str(work_dir)])
    report.main()


def test_report_is_built_anew(monkeypatch, tmp_path, capsys):
    write_run(tmp_path, '20260101_000000', RECORDS)
    record = RunRecord('train', '20260101_000000', 'small.py', 'x = 1', 'train.py')
    record.save(tmp_path / '20260101_000000')
    run_report(monkeypatch, tmp_path)
    out = tmp_path / 'report.html'
    assert capsys.readouterr().out.strip() == f'written to {out}'
    assert 'top-1 30.00 %' in out.read_text()


def test_report_of_no_run(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run_report(monkeypatch, tmp_path)
    check_error(stop.value, capsys.readouterr().err, 'no run with mmqcs.ReportHook')
