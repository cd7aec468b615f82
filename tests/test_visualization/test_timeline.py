"""Expressions over time."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmqcs.visualization import figure_to_rgb, timeline_figure
from mmqcs.visualization.style import CLASS_COLOURS

CLASSES = ('Sad', 'Happy', 'Fear')


def case():
    """One face is sad, then happy; another one is seen for a part of the end."""
    seconds = np.zeros((2, 20, 3))
    seconds[0, :8, 0] = 0.5
    seconds[0, 8:, 1] = 0.4
    seconds[0, 8:, 0] = 0.1
    seconds[1, 15:, 1] = 0.1
    return seconds


def test_bands():
    figure = timeline_figure(case(), 0.5, ['1', '12'], CLASSES, title='$a film$')
    (axes,) = figure.axes
    assert axes.get_xlim() == (0, 10)
    assert [x.get_text() for x in axes.get_yticklabels()] == ['1', '12']
    (shown,) = axes.images
    bands = np.asarray(shown.get_array())
    sad, happy = (to_rgb(colour) for colour in CLASS_COLOURS[:2])
    np.testing.assert_allclose(bands[0, :8, :3], [sad] * 8)
    np.testing.assert_allclose(bands[0, 8:, :3], [happy] * 12)
    np.testing.assert_allclose(bands[0, :, 3], 1)
    assert (bands[1, :15, 3] == 0).all()
    assert (bands[1, 15:, 3] > 0.2).all() and (bands[1, 15:, 3] < 0.6).all()
    # only the classes that occur, and neither by colour alone
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ['Sad', 'Happy']
    labels = {text.get_text(): text.get_position() for text in axes.texts}
    assert labels['Sad'] == (2.0, 0.5)
    assert sorted(x.get_text() for x in axes.texts) == ['Happy', 'Happy', 'Sad']
    image = figure_to_rgb(figure)
    for colour in (sad, happy):
        near = np.abs(image - 255 * np.array(colour)).max(2) < 3
        assert near.mean() > 0.03


def test_many_faces_and_classes():
    seconds = np.random.default_rng(0).random((20, 500, 11))
    names = [*map(str, range(20))]
    figure = timeline_figure(seconds, 0.1, names, [f'class {i}' for i in range(11)])
    assert figure_to_rgb(figure).std() > 10


@pytest.mark.parametrize('shape', [(3, 4), (0, 4, 3), (1, 0, 3)])
def test_wrong_arrays(shape):
    with pytest.raises(ValueError, match='faces, intervals, classes'):
        timeline_figure(np.zeros(shape), 1, [], CLASSES)
