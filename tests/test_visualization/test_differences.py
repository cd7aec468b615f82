import numpy as np
import pytest

from mmqcs.visualization.differences import Interval, differences_figure


def test_marks_are_at_the_differences():
    panels = {
        'Easy': {
            'DCS': {'anchors': Interval(0.5, (0.1, 0.9)), 'images': Interval(-1, None)},
            'QCS': {'anchors': Interval(2.0, (1.0, 3.0))},
        },
        'Hard': {'QCS': {'images': Interval(-0.5, (-2.0, 1.0))}},
    }
    figure = differences_figure(panels, 'Points')
    easy, hard = figure.axes
    assert [easy.get_title(), hard.get_title()] == ['Easy', 'Hard']
    assert [text.get_text() for text in easy.get_yticklabels()] == ['DCS', 'QCS']
    marks = [bars.lines[0].get_xydata() for bars in easy.containers]
    assert [mark[0, 0] for mark in marks] == [0.5, 2.0, -1.0]
    # lines of a method lie around its place, and those of the budgets apart
    assert marks[0][0, 1] == pytest.approx(-marks[2][0, 1])
    bars = easy.containers[1].lines[2][0].get_segments()[0]
    np.testing.assert_allclose(bars[:, 0], [1.0, 3.0])
    labels = [text.get_text() for text in easy.figure.legends[0].get_texts()]
    assert labels == ['anchors', 'images']


@pytest.mark.parametrize('count', [1, 2, 3, 4, 5])
def test_the_lowest_panel_of_each_column_has_numbers(count):
    panel = {'QCS': {'images': Interval(-0.5, (-2.0, 1.0))}}
    figure = differences_figure({f'Table {i}': panel for i in range(count)}, 'Points')
    shown = [ax.xaxis.get_tick_params()['labelbottom'] for ax in figure.axes[:count]]
    lowest = min(count, 2)
    assert shown == [False] * (count - lowest) + [True] * lowest


def test_long_and_odd_names_are_inside_the_figure():
    row = {'images': Interval(-0.5, (-2.0, 1.0))}
    title = 'Hard faces, pretrained transformer, small learning rate, equally long'
    name = 'QCS, both kinds of attention, with logit adjustment ($_$)'
    figure = differences_figure({title: {name: row}, f'{title} ': {'$': row}}, 'Points')
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    for ax in figure.axes:
        for text in (ax.title, *ax.get_yticklabels()):
            box = text.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= width
            assert 0 <= box.y0 < box.y1 <= height
        assert ax.get_window_extent().width > width / 8
