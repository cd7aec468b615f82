"""Training curves from the records of MMEngine."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmqcs.runs.curves import read_panels
from mmqcs.visualization import curves_figure, figure_to_rgb
from mmqcs.visualization.curves import moving_mean

RECORDS = [
    {'lr': 0.1, 'loss': 2.0, 'loss_base': 1.5, 'accuracy_base': 20, 'step': 10},
    {'lr': 0.1, 'loss': 1.0, 'loss_base': 0.5, 'accuracy_base': 40, 'step': 20},
    {
        'accuracy/top1': 30.0,
        'accuracy/top1_low': 25.0,
        'accuracy/mean_class': 25.0,
        'recall/Fear': 1,
        'step': 1,
    },
    {'lr': 0.1, 'loss': 0.5, 'loss_base': 0.2, 'accuracy_base': 60, 'step': 30},
]


def write(path: Path, records: list[dict]) -> Path:
    path.write_text('\n'.join(json.dumps(record) for record in records))
    return path


def curves(*paths):
    return {panel.title: panel.curves for panel in read_panels(paths)}


def test_validations_stand_at_the_iteration_before_them(tmp_path):
    assert curves(write(tmp_path / 'a.json', RECORDS)) == {
        'Loss': {
            'loss': [(10, 2.0), (20, 1.0), (30, 0.5)],
            'loss_base': [(10, 1.5), (20, 0.5), (30, 0.2)],
        },
        'Accuracy': {
            'train accuracy_base': [(10, 20), (20, 40), (30, 60)],
            'val top1': [(20, 30.0)],
            'val mean_class': [(20, 25.0)],
        },
    }


def test_values_of_groups_have_panels_of_their_own(tmp_path):
    record = {
        'loss': 1.0,
        'ce_base/anchor': 2.0,
        'ce_cross/anchor': 3.0,
        'ce_cross/second_negative': 4.0,
        'theta/level_2': -0.1,
        'step': 5,
    }
    found = curves(write(tmp_path / 'a.json', [record]))
    assert list(found.values()) == [
        {'loss': [(5, 1.0)]},
        {'anchor': [(5, 2.0)]},
        {'anchor': [(5, 3.0)], 'second_negative': [(5, 4.0)]},
        {'level_2': [(5, -0.1)]},
    ]


def test_what_a_later_run_did_again_counts_as_done_there(tmp_path):
    first = write(tmp_path / 'a.json', RECORDS)
    resumed = [{'loss': 7.0, 'step': 25}, {'accuracy/top1': 50.0, 'step': 2}]
    second = write(tmp_path / 'b.json', resumed)
    found = curves(first, second)
    assert found['Loss']['loss'] == [(10, 2.0), (20, 1.0), (25, 7.0)]
    assert found['Accuracy']['val top1'] == [(20, 30.0), (25, 50.0)]
    anew = write(tmp_path / 'c.json', [{'loss': 9.0, 'step': 10}])
    assert curves(first, second, anew) == {'Loss': {'loss': [(10, 9.0)]}}


def test_no_training(tmp_path):
    assert curves(write(tmp_path / 'a.json', RECORDS[2:3])) == {}
    assert curves() == {}


@pytest.mark.parametrize('text', ['no json', '[1]'])
def test_a_broken_record_is_named(tmp_path, text):
    path = write(tmp_path / 'a.json', RECORDS[:1])
    path.write_text(path.read_text() + '\n' + text)
    with pytest.raises(ValueError, match=r'a\.json:2 is not a JSON object'):
        read_panels([path])


@pytest.mark.parametrize('width', [1, 3, 50])
def test_moving_mean(width):
    values = np.random.default_rng(0).normal(size=20)
    expected = [values[max(0, i - width + 1) : i + 1].mean() for i in range(20)]
    np.testing.assert_allclose(moving_mean(values, width), expected)


def test_figure(tmp_path):
    records = [{**RECORDS[0], 'step': i, 'loss': 1 / i} for i in range(1, 121)]
    panels = read_panels([write(tmp_path / 'a.json', [*records, RECORDS[2]])])
    figure = curves_figure(panels, 'title', columns=3)
    loss, accuracy = figure.axes
    assert (loss.get_title(), loss.get_ylabel()) == ('Loss', 'Loss')
    assert loss.get_xlabel() == 'Iteration'
    names = [text.get_text() for text in loss.get_legend().get_texts()]
    assert names == ['loss (mean of 2 records)', 'loss_base (mean of 2 records)']
    pale, smooth = loss.lines[:2]
    np.testing.assert_allclose(pale.get_ydata(), 1 / np.arange(1, 121))
    np.testing.assert_allclose(smooth.get_ydata(), moving_mean(pale.get_ydata(), 2))
    # neither colours alone nor lines alone tell curves apart
    drawn = [line for line in loss.lines if line.get_alpha() is None]
    assert len({line.get_linestyle() for line in drawn}) == len(drawn)
    marks = [line.get_marker() for line in accuracy.lines[-2:]]
    assert len(set(marks)) == 2 and 'None' not in marks
    assert figure_to_rgb(figure).std() > 10
