"""The part of the training split that is held out for validation."""

import random
from collections import Counter

import pytest
from conftest import ROOT
from mmengine import Config

from mmqcs.datasets import (
    FER2013,
    JAFFE,
    KDEF,
    RAFDB,
    AffectNet,
    CKPlus,
    ExpW,
    FERPlus,
)
from mmqcs.datasets.base.held_out import held_out_groups
from mmqcs.registry import DATASETS

pytest_plugins = 'fer_trees'

COUNTS = (9, 1, 21, 4, 15, 2, 30)  # images per class


@pytest.fixture
def lines():
    """RAF-DB as a list of images, whose classes are mixed."""
    lines = [
        f'images/{label}_{i}.jpg {label}'
        for label, count in enumerate(COUNTS)
        for i in range(count)
    ]
    random.Random(0).shuffle(lines)
    return lines


@pytest.fixture
def write(tmp_path, put, lines):
    """Writes the list and its images, and returns the root."""

    def write(folder='raf-db', lines=lines):
        root = put(tmp_path / folder, *(line.split()[0] for line in lines))
        put(root, 'raf_db_basic_train.txt', text='\n'.join(lines))
        return str(root)

    return write


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def names(dataset, key='img_path'):
    return [info[key].rpartition('/')[2] for info in infos(dataset)]


def both(kind, root, fraction=0.2, **keywords):
    """The training part and the validation part, built one after the other."""
    keywords |= {'val_fraction': fraction}
    return kind(root, **keywords), kind(root, held_out=True, **keywords)


@pytest.mark.parametrize('fraction', [0.05, 0.2, 0.5, 0.9])
def test_the_parts_are_disjoint_and_together_the_whole(write, fraction):
    root = write()
    train, val = both(RAFDB, root, fraction)
    whole = names(RAFDB(root))
    assert not set(names(train)) & set(names(val))
    assert Counter(names(train) + names(val)) == Counter(whole)
    # in the order of the list
    assert names(train) == [x for x in whole if x in set(names(train))]
    assert val.test_mode
    assert not train.test_mode


@pytest.mark.parametrize('fraction', [0.05, 0.1, 0.25, 0.5, 0.95])
@pytest.mark.parametrize('counts', [COUNTS, RAFDB.PUBLISHED['train']])
def test_the_share_of_each_class_is_within_one_image(counts, fraction):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    groups = [f'{label}/{i}.jpg' for i, label in enumerate(labels)]
    chosen = held_out_groups(groups, labels, fraction, seed=0)
    held = Counter(name.partition('/')[0] for name in chosen)
    for label, count in enumerate(counts):
        assert abs(held[str(label)] - fraction * count) < 1
        assert held[str(label)] < count
        assert held[str(label)] > 0 or count == 1


def test_the_choice_is_that_of_the_names_alone(write, lines):
    """Neither of the order, nor of the place, nor of images that others lack."""
    train, val = both(RAFDB, write())
    again = both(RAFDB, write('elsewhere/RAF', random.Random(1).sample(lines, 82)))
    assert set(names(again[0])) == set(names(train))
    assert set(names(again[1])) == set(names(val))
    common = both(RAFDB, write(), label_order='common')
    assert names(common[1]) == names(val)
    fewer = both(RAFDB, write('fewer', lines[1:]))
    moved = set(names(val)) ^ set(names(fewer[1]))
    assert len(moved - {lines[0].split()[0].rpartition('/')[2]}) <= 1


def test_another_seed_holds_out_others(write):
    root = write()
    first, second = (both(RAFDB, root, val_seed=seed)[1] for seed in (0, 1))
    assert len(first) == len(second)
    assert set(names(first)) != set(names(second))


def test_an_image_that_is_listed_twice_is_in_one_part(write, lines):
    train, val = both(RAFDB, write(lines=lines + lines), fraction=0.5)
    assert not set(names(train)) & set(names(val))
    assert len(train) + len(val) == 2 * sum(COUNTS)


def test_the_log_and_the_meta_information_tell(write, log, monkeypatch):
    monkeypatch.setitem(RAFDB.PUBLISHED, 'train', COUNTS)
    root = write()
    train, val = both(RAFDB, root)
    assert not log.warnings  # the published counts are those of the whole
    assert '82 images (Surprise 9, Fear 1' in log.info[0]
    for part, line, what in (
        (train, log.info[1], 'the rest: 65 images (Surprise 7, Fear 1, Disgust 17'),
        (val, log.info[3], 'the held-out part: 17 images (Surprise 2, Fear 0'),
    ):
        assert '17 of 82 images are held out for validation, chosen by class' in line
        assert 'val_fraction=0.2, val_seed=0' in line
        assert what in line
        record = {'fraction': 0.2, 'seed': 0, 'by': 'class', 'images': 17, 'of': 82}
        assert part.metainfo['held_out'] == record
    assert 'held_out' not in RAFDB(root).metainfo
    monkeypatch.setitem(RAFDB.PUBLISHED, 'train', (1, *COUNTS[1:]))
    RAFDB(root, val_fraction=0.2)
    assert 'has 82 images' in log.warnings[0]


def ck_plus(put, root):
    for subject in range(11):
        for sequence in range(subject % 3 + 1):
            name = f'S{subject:03}/{sequence:03}'
            put(root, f'cohn-kanade-images/{name}/1.png')
            put(root, f'Emotion/{name}/1_emotion.txt', text=f'{sequence + 1}.0')


def kdef(put, root):
    codes = ('AF', 'AN', 'DI')
    put(root, *(f'KDEF/AF{s:02}{c}S.JPG' for s in range(11) for c in codes))


def jaffe(put, root):
    put(root, *(f'jaffe/K{s}.{c}1.1.png' for s in 'ABCDEFGHIJK' for c in ('AN', 'SA')))


SUBJECTS = {CKPlus: ck_plus, KDEF: kdef, JAFFE: jaffe}  # eleven each


@pytest.mark.parametrize('kind', SUBJECTS)
def test_subjects_are_never_shared(tmp_path, put, kind):
    SUBJECTS[kind](put, tmp_path)
    folds = {'num_folds': 11, 'fold': 4}
    train, val = both(kind, str(tmp_path), 0.3, **folds)
    test = kind(str(tmp_path), split='test', **folds)
    parts = [{info['subject'] for info in infos(x)} for x in (train, val, test)]
    assert [len(part) for part in parts] == [7, 3, 1]
    assert len(set().union(*parts)) == 11
    whole = kind(str(tmp_path), split='all', **folds)
    assert len(train) + len(val) + len(test) == len(whole)
    assert val.metainfo['held_out']['by'] == 'subject'


def test_a_single_subject_cannot_be_divided(tmp_path, put):
    put(tmp_path, 'jaffe/KA.AN1.1.png', 'jaffe/KA.SA1.2.png', 'jaffe/KB.SA1.3.png')
    with pytest.raises(ValueError, match='nothing of 2 images: all are of one subject'):
        JAFFE(str(tmp_path), fold=1, num_folds=2, val_fraction=0.5)


def test_the_faces_of_an_image_stay_together(tmp_path, put):
    rows = [
        f'{i}.jpg {face} 0 {face} 5 5 60.1 {(i + face) % 7}'
        for i in range(22)
        for face in range(i % 3 + 1)
    ]
    put(tmp_path, *(f'origin/{i}.jpg' for i in range(22)))
    put(tmp_path, 'label.lst', text='\n'.join(rows))
    train, val = both(ExpW, str(tmp_path), 0.25, num_folds=11)
    assert not set(names(train)) & set(names(val))
    assert len(set(names(train))) == 15
    assert len(set(names(val))) == 5
    assert val.metainfo['held_out']['by'] == 'image'


def test_rows_of_a_table_do_not_depend_on_its_place(tmp_path, put):
    pixels = ' '.join(['7'] * 2304)
    rows = [f'{i % 7},{pixels},Training' for i in range(28)]
    text = '\n'.join(['emotion,pixels,Usage', *rows])
    held = []
    for folder in ('a', 'deeper/b'):
        root = put(tmp_path / folder, 'ckextended.csv', text=text)
        held.append(names(both(CKPlus, str(root), 0.25)[1]))
    assert held[0] == held[1]
    assert len(held[0]) == 7


@pytest.mark.parametrize('kind', [FER2013, FERPlus])
def test_a_dataset_with_a_validation_split_refuses_another(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} has its own.*split='val'"):
        kind('nowhere', val_fraction=0.1)


def test_the_reported_split_of_affectnet_need_not_choose_the_epoch(drawn_root):
    root = str(drawn_root('affectnet', 8))
    train, val = both(AffectNet, root, 0.25)
    assert (len(train), len(val)) == (24, 8)
    assert not set(names(train)) & set(names(AffectNet(root, split='val')))


@pytest.mark.parametrize(
    ('keywords', 'message'),
    [
        ({'val_fraction': 1.0}, '≥ 0 and < 1, got 1.0'),
        ({'val_fraction': -0.1}, '≥ 0 and < 1, got -0.1'),
        ({'held_out': True}, 'held_out=True needs val_fraction'),
        ({'val_fraction': 0.1, 'split': 'test'}, "divides split='train', got 'test'"),
    ],
)
def test_bad_arguments(keywords, message):
    with pytest.raises(ValueError, match=message):
        RAFDB('nowhere', **keywords)


@pytest.mark.parametrize(
    ('name', 'layout', 'classes'),
    [('qcs_ir50_raf', 'rafdb', 7), ('qcs_ir50_ferplus', 'ferplus', 8)],
)
def test_the_recipes_choose_the_epoch_without_the_test_split(
    drawn_root, name, layout, classes
):
    recipe, plain = (
        Config.fromfile(ROOT / f'configs/qcs/{stem}.py')
        for stem in (f'{name}_val', name)
    )
    loaders = [recipe[f'{part}_dataloader'] for part in ('train', 'val', 'test')]
    for loader in loaders:
        loader.dataset.data_root = str(drawn_root(layout, classes))
    if layout == 'ferplus':  # the tree of drawn faces has no validation split
        assert loaders[1].dataset.split == 'val'
        loaders[1].dataset.split = 'test'
    else:
        train, val, test = (
            {info['img_path'] for info in infos(DATASETS.build(loader.dataset))}
            for loader in loaders
        )
        assert (len(train), len(val), len(test)) == (21, 7, 14)
        assert not train & val
        assert not (train | val) & test
    assert loaders[1].dataset.pipeline == loaders[2].dataset.pipeline
    assert loaders[2].dataset.split == plain.test_dataloader.dataset.split == 'test'
    for config in (recipe, plain):
        for part in ('train', 'val', 'test'):
            config.pop(f'{part}_dataloader')
    assert recipe.to_dict() == plain.to_dict()
