"""Features in a plane."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tool_helpers import load_tool

from mmqcs.visualization import figure_to_rgb

tool = load_tool('visualization/tsne')

CLASSES = tuple('abcdefghijklmnop')


def test_groups_that_lie_apart_stay_apart_and_seeds_repeat():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 15)
    features = rng.normal(size=(45, 8)) + 20 * np.eye(8)[labels]
    points = tool.embed(features, perplexity=5, seed=0)
    nearest = cdist(points, points)
    np.fill_diagonal(nearest, np.inf)
    assert (labels[nearest.argmin(1)] == labels).all()
    np.testing.assert_array_equal(points, tool.embed(features, perplexity=5, seed=0))


@pytest.mark.parametrize('perplexity', [0, 10, 11])
def test_perplexity_must_fit(perplexity):
    with pytest.raises(ValueError, match=f'the number of images, 10, got {perplexity}'):
        tool.embed(np.zeros((10, 4)), perplexity, seed=0)


def test_no_two_classes_look_the_same():
    labels = np.arange(16).repeat(2)
    figure = tool.embedding_figure(np.random.rand(32, 2), labels, CLASSES, 'title')  # noqa: NPY002
    looks = set()
    for dots in figure.axes[0].collections:
        shape = dots.get_paths()[0].vertices.round(3).tobytes()
        looks.add((tuple(dots.get_facecolor()[0]), shape))
    assert len(looks) == 16
    assert figure.axes[0].get_title() == 'title'
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [f'{name} (2)' for name in CLASSES]
    assert figure_to_rgb(figure).std() > 10


def test_absent_classes_and_formulas():
    points = np.zeros((2, 2))
    figure = tool.embedding_figure(points, np.array([1, 1]), ('x', '$a$'), 't')
    (name,) = figure.legends[0].get_texts()
    assert name.get_text() == r'\$a\$ (2)'
