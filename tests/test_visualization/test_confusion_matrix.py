import numpy as np
import pytest

from mmqcs.visualization import confusion_figure, figure_to_rgb


def draw(matrix, classes, title):
    return figure_to_rgb(confusion_figure(matrix, classes, title))


def test_cells_show_the_percentage_of_their_row():
    matrix = np.array([[90, 10], [1, 1]])
    image = draw(matrix, ('a', 'b'), 'title')
    assert image.dtype == np.uint8
    assert image.ndim == 3 and image.shape[2] == 3
    # 'Blues' is dark where a row's share is high: 90 % against 10 %, and a
    # second row of two equal shares though its counts are far smaller
    by_row = draw(np.array([[9, 1], [50, 50]]), ('a', 'b'), 'title')
    colours, same = (_common_colours(picture) for picture in (image, by_row))
    assert colours == same
    assert len(colours) == 3


def _common_colours(image: np.ndarray) -> set[tuple[int, ...]]:
    """Colours, other than white, that fill more than 2 % of the picture."""
    colours, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    large = counts > 0.02 * counts.sum()
    return {tuple(c) for c in colours[large].tolist() if c != [255, 255, 255]}


def test_class_without_images():
    image = draw(np.array([[3, 0], [0, 0]]), ('a', 'b'), 'title')
    assert len(_common_colours(image)) == 2


def test_leaves_pyplot_alone():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    draw(np.eye(3, dtype=int), 'abc', 'title')
    assert plt.get_fignums() == before


def test_shape_and_names_differ():
    with pytest.raises(ValueError, match=r'shape \(2, 2\), expected \(3, 3\)'):
        draw(np.eye(2), 'abc', 'title')
