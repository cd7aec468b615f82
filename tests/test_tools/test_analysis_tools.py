"""tools/analysis_tools/plot_curves.py and summarize.py."""

import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tool_helpers import check_error, load_tool

plot_curves = load_tool('analysis_tools/plot_curves')
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


def test_read_curves_places_validation_at_its_iteration(tmp_path):
    losses, accuracies = plot_curves.read_curves(write_run(tmp_path, 'a', RECORDS))
    assert losses == {
        'loss': [(10, 2.0), (20, 1.0), (30, 0.5)],
        'loss_base': [(10, 1.5), (20, 0.5), (30, 0.2)],
    }
    assert accuracies == {
        'train accuracy_base': [(10, 20), (20, 40), (30, 60)],
        'val accuracy/top1': [(20, 30.0)],
        'val accuracy/mean_class': [(20, 25.0)],
    }


def test_newest_run_is_drawn(tmp_path):
    write_run(tmp_path, '20260101_000000', RECORDS)
    newest = write_run(tmp_path, '20260102_000000', RECORDS)
    (tmp_path / '20260103_000000' / 'vis_data').mkdir(parents=True)  # a test run
    assert plot_curves.find_scalars(tmp_path) == newest
    assert plot_curves.find_scalars(newest.parents[1]) == newest
    assert plot_curves.find_scalars(newest) == newest


@pytest.mark.parametrize('width', [1, 3, 50])
def test_moving_mean(width):
    values = np.random.default_rng(0).normal(size=20)
    expected = [values[max(0, i - width + 1) : i + 1].mean() for i in range(20)]
    np.testing.assert_allclose(plot_curves.moving_mean(values, width), expected)


@pytest.mark.parametrize('keep', ['loss', 'loss and accuracy'])
def test_picture(monkeypatch, tmp_path, capsys, keep):
    records = [
        {k: v for k, v in record.items() if keep != 'loss' or 'accuracy' not in k}
        for record in RECORDS * 40
    ]
    write_run(tmp_path, '20260101_000000', records)
    monkeypatch.setattr(sys, 'argv', ['plot_curves.py', str(tmp_path)])
    plot_curves.main()
    out = tmp_path / 'curves.png'
    assert capsys.readouterr().out.strip() == str(out)
    assert cv2.imread(str(out)).shape == (576, 1440, 3)


def test_no_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, 'argv', ['plot_curves.py', str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        plot_curves.main()
    check_error(stop.value, capsys.readouterr().err, 'no training run')


def test_no_training_record(monkeypatch, tmp_path, capsys):
    write_run(tmp_path, 'a', RECORDS[2:3])
    monkeypatch.setattr(sys, 'argv', ['plot_curves.py', str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        plot_curves.main()
    check_error(stop.value, capsys.readouterr().err, 'no training record')


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
    for age, name in enumerate(('best_a.pth', 'best_b.pth')):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    assert run_summarize(monkeypatch, capsys, tmp_path) == {
        'Top-1 accuracy': '61.23 %',
        'Mean class accuracy': '50.12 %',
        'Recall (%)': 'Fear 9.0',
        'Best on test': 'top-1 30.00 %, mean class 25.00 %, step 1',
        'Last epoch': 'top-1 30.00 %, mean class 25.00 %, step 1',
        'Checkpoint': str(tmp_path / 'best_a.pth'),
        'Confusion matrix': str(picture),
        'Curves': str(tmp_path / 'curves.png'),
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
