import runpy

import numpy as np
import pytest
from conftest import ROOT

from mmqcs.datasets import (
    CAERS,
    FER2013,
    JAFFE,
    KDEF,
    RAFDB,
    AffectNet,
    CKPlus,
    ExpW,
    FERPlus,
    SynthFER,
)
from mmqcs.expressions import (
    COMMON,
    RAF_DB,
    class_map,
    class_spellings,
    expression,
    target_classes,
)

pytest_plugins = 'fer_trees'

# Position in AffectNet's order of each class of the dataset.
ORDERS = {
    RAFDB: [3, 4, 5, 1, 2, 6, 0],
    FER2013: [6, 5, 4, 1, 2, 3, 0],
    FERPlus: [0, 1, 3, 2, 6, 5, 4, 7],
    CAERS: [6, 5, 4, 1, 0, 2, 3],
    CKPlus: [0, 6, 7, 5, 4, 1, 2, 3],
    ExpW: [6, 5, 4, 1, 2, 3, 0],
    JAFFE: [6, 5, 4, 1, 0, 2, 3],
    KDEF: [4, 6, 5, 1, 0, 2, 3],
    AffectNet: list(range(8)),
}


@pytest.mark.parametrize('dataset', ORDERS, ids=lambda dataset: dataset.__name__)
def test_order_of_each_dataset(dataset):
    classes = dataset.METAINFO['classes']
    there = class_map(classes, COMMON)
    assert there.tolist() == ORDERS[dataset]
    back = class_map(COMMON, classes)
    assert back[there].tolist() == list(range(len(classes)))


def test_common_order_is_that_of_affect_net():
    assert AffectNet.METAINFO['classes'] == COMMON


def test_what_the_target_lacks_is_minus_one():
    assert class_map(('Contempt', 'Sadness'), ('sad', 'Happy')).tolist() == [-1, 0]


@pytest.mark.parametrize(
    'order', [('Happy', 'Happiness'), ('Happy', 'happy ', 'Sad')], ids=str
)
def test_an_order_may_name_an_expression_once(order):
    with pytest.raises(ValueError, match='occurs twice'):
        class_map(order, COMMON)
    with pytest.raises(ValueError, match='occurs twice'):
        class_map(COMMON, order)


@pytest.mark.parametrize(
    ('name', 'expected'),
    [('Angry', 'Anger'), ('HAPPINESS', 'Happy'), (' sad ', 'Sad'), ('Fear', 'Fear')],
)
def test_spellings(name, expected):
    assert expression(name) == expected


def test_unknown_name():
    with pytest.raises(ValueError, match=r"'Bored' is not a known"):
        expression('Bored')


def test_class_spellings_follow_the_given_order():
    table = class_spellings(('Sad', 'Anger'))
    assert table['sadness'] == table['sad'] == 0
    assert table['angry'] == table['anger'] == 1
    assert 'happy' not in table


SEVEN = RAFDB.METAINFO['classes']
EIGHT = CKPlus.METAINFO['classes']
NO_CONTEMPT = tuple(name for name in EIGHT if name != 'Contempt')


@pytest.mark.parametrize(
    ('own', 'order', 'number', 'expected'),
    [
        (SEVEN, 'own', None, SEVEN),
        (SEVEN, 'own', 7, SEVEN),
        (SEVEN, 'common', None, COMMON[:7]),
        (SEVEN, 'common', 7, COMMON[:7]),
        (SEVEN, 'common', 8, COMMON),
        (EIGHT, 'own', None, EIGHT),
        (EIGHT, 'own', 7, NO_CONTEMPT),
        (EIGHT, 'common', None, COMMON),
        (EIGHT, 'common', 7, COMMON[:7]),
        (EIGHT, SEVEN, None, SEVEN),
        (EIGHT, list(SEVEN), 7, SEVEN),
        (EIGHT, ('happy', 'Sad'), None, ('happy', 'Sad')),
    ],
)
def test_target_classes(own, order, number, expected):
    assert target_classes(own, order, number) == expected


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((SEVEN, 'own', 8), 'num_classes must be 7 with'),
        ((EIGHT, 'own', 6), 'num_classes must be 7 or 8 with'),
        ((EIGHT, SEVEN, 8), 'num_classes must be 7 with'),
        ((SEVEN, 'alphabetic'), "label_order must be 'own', 'common' or"),
        ((SEVEN, ('Happy', 'Bored')), "'Bored' is not a known"),
        ((SEVEN, ('Happy', 'Joy')), 'occurs twice'),
    ],
)
def test_wrong_targets(arguments, message):
    with pytest.raises(ValueError, match=message):
        target_classes(*arguments)


@pytest.fixture
def rafdb(tmp_path, put):
    names = [f'train/{number}/a.jpg' for number in range(1, 8)]
    return str(put(tmp_path, *names))


def test_a_dataset_in_the_common_order(rafdb):
    own, common = RAFDB(rafdb), RAFDB(rafdb, label_order='common')
    assert own.get_gt_labels().tolist() == list(range(7))
    assert common.get_gt_labels().tolist() == ORDERS[RAFDB]
    assert common.metainfo['classes'] == COMMON[:7]
    for i in range(7):
        names = [
            expression(dataset.CLASSES[dataset.get_data_info(i)['gt_label']])
            for dataset in (own, common)
        ]
        assert names[0] == names[1]


def test_a_set_without_contempt_for_a_model_with_it(rafdb):
    dataset = RAFDB(rafdb, label_order='common', num_classes=8)
    assert dataset.CLASSES == COMMON
    assert dataset.get_gt_labels().tolist() == ORDERS[RAFDB]


def test_the_order_of_another_dataset(rafdb):
    dataset = RAFDB(rafdb, label_order=FER2013.METAINFO['classes'])
    assert FER2013.METAINFO['classes'] == dataset.CLASSES
    assert dataset.get_gt_labels().tolist() == [5, 2, 1, 3, 4, 0, 6]


def test_classes_that_are_not_in_the_order_are_left_out(rafdb):
    dataset = RAFDB(rafdb, label_order=('Sadness', 'Surprise'))
    assert dataset.get_gt_labels().tolist() == [1, 0]


def test_classes_may_be_translated(rafdb):
    names = tuple('abcdefg')
    for keywords in ({'classes': names}, {'metainfo': {'classes': names}}):
        dataset = RAFDB(rafdb, **keywords)
        assert names == dataset.CLASSES
        assert dataset.get_gt_labels().tolist() == list(range(7))


@pytest.mark.parametrize('classes', [SEVEN[::-1], SEVEN[:3], (*SEVEN, 'other')])
def test_classes_neither_reorder_nor_select(rafdb, classes):
    with pytest.raises(ValueError, match=r'[Tt]o (reorder|select).*label_order='):
        RAFDB(rafdb, classes=classes)


def test_the_map_is_an_integer_array():
    assert class_map(SEVEN, COMMON).dtype == np.int64


def test_the_scenes_of_detectors_have_the_order_of_raf_db():
    config = runpy.run_path(ROOT / 'configs/det/faster-rcnn_ir-small_fpn_synthfer.py')
    assert config['classes'] == RAF_DB


def test_synthfer_has_the_order_of_raf_db():
    assert SynthFER.METAINFO['classes'] == RAF_DB
