from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmqcs.runs.errors import load_image, worst_errors
from mmqcs.runs.predictions import Predictions
from mmqcs.visualization import contact_sheet, figure_to_rgb, heat_map_sheet
from mmqcs.visualization.style import encode_figure, new_figure, save_figure

WHITE = np.full((8, 8, 3), 255, np.uint8)


def shade(value):
    return np.full((4, 5, 3), value, np.uint8)


def test_images_stand_in_order_below_their_captions():
    values = [10, 20, 30, 40, 50]
    captions = [f'image {v}\nsecond line' for v in values]
    figure = contact_sheet([shade(v) for v in values], captions, columns=3, title='t')
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.images[0].get_array()[0, 0, 0] for axes in shown] == values
    assert [axes.get_title() for axes in shown] == captions
    assert len(figure.axes) == 6  # two rows of three
    assert figure.get_suptitle() == 't'


def test_an_unreadable_image_says_so_and_text_is_no_formula():
    figure = contact_sheet([None, WHITE], ['a$b$c.jpg', 'b'], title='$x$')
    (note,) = figure.axes[0].texts
    assert note.get_text() == 'cannot be read'
    assert not figure.axes[0].title.get_parse_math()
    assert figure_to_rgb(figure).ndim == 3


def test_a_heat_map_sheet_has_a_scale():
    figure = heat_map_sheet([WHITE] * 2, ['a', 'b'], 2, 't', (0.5, 2.0, 'weight'))
    bar = figure.axes[-1]
    assert bar.get_ylabel() == 'weight'
    assert bar.get_ylim() == (0.5, 2.0)


@pytest.mark.parametrize('count', [1, 6, 12])
def test_the_name_of_the_scale_fits(count):
    label = 'part in the logit of the class, brightest 1'
    images, captions = [shade(1)] * count, ['file.jpg\nAnger 1.00'] * count
    figure = heat_map_sheet(images, captions, 6, 'title', (0, 1, label), side=2)
    figure.canvas.draw()
    box, whole = figure.axes[-1].yaxis.label.get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert whole.y0 <= box.y0 < box.y1 <= whole.y1


def test_no_images():
    with pytest.raises(ValueError, match='0 images'):
        contact_sheet([], [])
    with pytest.raises(ValueError, match='1 images and 2 captions'):
        contact_sheet([WHITE], ['a', 'b'])


@pytest.mark.parametrize(
    ('kind', 'start'),
    [('.png', b'\x89PNG'), ('.svg', b'<?xml'), ('.jpg', b'\xff\xd8\xff')],
)
def test_the_same_figure_gives_the_same_file(tmp_path, kind, start):
    def draw():
        figure = new_figure(2, 2)
        figure.add_subplot().plot([0, 1], [1, 0])
        return figure

    save_figure(draw(), tmp_path / f'new/picture{kind}')
    content = (tmp_path / f'new/picture{kind}').read_bytes()
    assert content.startswith(start)
    assert content == encode_figure(draw(), kind)


def test_other_types_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.png, .*'\.gif'"):
        save_figure(new_figure(1, 1), tmp_path / 'picture.gif')
    assert not list(tmp_path.iterdir())


class Data:
    """Four images in memory."""

    def get_data_info(self, i):
        return {'img': np.full((6, 6, 3), (i, 0, 0), np.uint8)}


class Wrapper:
    """As MMEngine's wrappers, whose numbers are others."""

    def __init__(self, dataset):
        self.dataset = dataset

    def get_data_info(self, i):
        raise AssertionError('another image has this number here')


def predictions(predicted, paths=('', '', 'gone.jpg', '')):
    return Predictions(
        classes=('a', 'b'),
        labels=np.array([0, 1, 0, 1]),
        predicted=np.array(predicted),
        confidence=np.array([0.9, 0.6, 0.8, 0.7], np.float32),
        true_confidence=np.array([0.1, 0.6, 0.2, 0.3], np.float32),
        paths=paths,
        indices=np.array([3, 1, 2, 0]),
    )


def test_errors_the_surest_first():
    found = predictions([1, 1, 1, 0])
    worst = worst_errors(found, Wrapper(Data()), 2)
    assert worst.captions == [found.caption(0), found.caption(2)]
    first, second = worst.images
    assert first[0, 0].tolist() == [3, 0, 0]
    assert second is None  # gone
    assert '2 most confident errors, of 3 errors in 4 images' in worst.title
    assert worst_errors(predictions([0, 1, 0, 1]), Data(), 2) is None


def test_a_number_in_one_of_several_data_sets_names_no_image():
    several = SimpleNamespace(datasets=[Data()], get_data_info=Data().get_data_info)
    assert worst_errors(predictions([1, 1, 0, 1]), several, 1).images == [None]


def test_pictures_of_all_kinds(tmp_path):
    assert load_image({'img': np.eye(2, dtype=np.uint8)}).shape == (2, 2, 3)  # grey
    assert load_image({'img': np.zeros((2, 2, 4), np.uint8)}) is None
    assert load_image({}) is None
    blue = np.full((4, 4, 3), (250, 10, 0), np.uint8)  # BGR
    cv2.imwrite(str(tmp_path / 'blue.png'), blue)
    read = load_image({'img_path': str(tmp_path / 'blue.png')})
    assert read[0, 0].tolist() == [0, 10, 250]
    (tmp_path / 'text.jpg').write_text('no picture')
    assert load_image({'img_path': str(tmp_path / 'text.jpg')}) is None
    drawn = 'synthfer://seed=0,size=64,difficulty=0.5,classes=7,imbalanced=0/test/1.bmp'
    import mmqcs.datasets  # noqa: F401  (registers the storage)

    drawn = drawn.replace('/1.bmp', '/000001.bmp')
    assert load_image({'img_path': drawn}).shape == (64, 64, 3)
